"""A linear mixed model of one feature, with the speaker as a random effect; needs statsmodels."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analyses.statistics.results import NEUTRAL
from msfl.errors import DataError, UsageError, nearest

if TYPE_CHECKING:
    from msfl.runs import Run


@dataclass(frozen=True)
class MixedModel:
    """A fitted model: value ~ emotion (+ language) + (1 | speaker), by maximum likelihood.

    Attributes:
        feature: The feature.
        reference: The emotion that the others are compared with.
        effects: Index emotion: `estimate`, `low`, `high` (95 %, Wald) in standard deviations of the feature,
            `p_value`.
        speaker_share: Share of the unexplained variance that lies between speakers (intraclass correlation).
        interaction_p: p-value of the likelihood ratio test whether emotions act differently between languages;
            NaN with one language, or where not every language has every emotion.
        converged: Whether both fits converged; if not, do not use the figures.
        utterances: Number of recordings.
        speakers: Number of speakers.
    """

    feature: str
    reference: str
    effects: pd.DataFrame
    speaker_share: float
    interaction_p: float
    converged: bool
    utterances: int
    speakers: int


def mixed_model(
    run: Run, feature: str, *, language: str | None = None, reference: str = NEUTRAL
) -> MixedModel:
    """Fit a mixed model to the raw values of one feature.

    The speaker's own level is part of the model, so the values are not normalised per speaker. Languages that lack
    the reference emotion still take part: their level is estimated from the other emotions.

    Args:
        run: A run folder, opened.
        feature: Name of the feature.
        language: One language; all of them by default, each with a level of its own.
        reference: Emotion that the others are compared with.

    Raises:
        UsageError: statsmodels is not installed, or the feature, the language or the emotion does not exist.
        DataError: The feature does not vary, or there are fewer than two emotions or two speakers.
    """
    try:
        from statsmodels.regression.mixed_linear_model import MixedLM
    except ImportError:
        raise UsageError(
            "Mixed models need statsmodels, which is not installed: pip install 'msfl[mixed]'."
        ) from None
    table = _table(run, feature, language, reference)
    plain, crossed = _design(table, reference)
    value = ((table["value"] - table["value"].mean()) / table["value"].std(ddof=0)).to_numpy()
    with warnings.catch_warnings():  # what they say is in `converged`
        warnings.simplefilter("ignore")
        fit = MixedLM(value, plain, groups=table["speaker"]).fit(reml=False)
        wide = None if crossed is None else MixedLM(value, crossed, groups=table["speaker"]).fit(reml=False)
    emotions = [name for name in plain.columns if name.startswith("emotion ")]
    bounds = pd.DataFrame(np.asarray(fit.conf_int()), index=[*plain.columns, "speaker"])
    effects = pd.DataFrame(
        {
            "estimate": fit.fe_params[emotions],
            "low": bounds.loc[emotions, 0],
            "high": bounds.loc[emotions, 1],
            "p_value": fit.pvalues[emotions],
        }
    ).rename(index=lambda name: name.removeprefix("emotion "))
    between = float(np.asarray(fit.cov_re)[0, 0])
    return MixedModel(
        feature=feature,
        reference=reference,
        effects=effects.rename_axis("emotion"),
        speaker_share=between / (between + float(fit.scale)),
        interaction_p=_likelihood_ratio(fit, wide),
        converged=bool(fit.converged) and (wide is None or bool(wide.converged)),
        utterances=len(table),
        speakers=int(table["speaker"].nunique()),
    )


def _table(run: Run, feature: str, language: str | None, reference: str) -> pd.DataFrame:
    if feature not in run.feature_names:
        raise UsageError(f"The run has no feature '{feature}'.{nearest(feature, list(run.feature_names))}")
    table = run.utterances[["language", "corpus", "speaker", "emotion"]].astype("string")
    table["speaker"] = table["speaker"].fillna(table["corpus"] + "/")
    table = table.join(
        run.features([feature])[feature].astype("float64").rename("value"), how="inner"
    ).dropna()
    known = sorted(table["language"].unique())
    if language is not None and language not in known:
        raise UsageError(f"The run has no language '{language}'; it has {', '.join(known)}.")
    if language is not None:
        table = table[table["language"] == language]
    emotions = sorted(table["emotion"].unique())
    if reference not in emotions:
        raise UsageError(f"There are no recordings of '{reference}'; compare with {', '.join(emotions)}.")
    if len(emotions) < 2 or table["speaker"].nunique() < 2:
        raise DataError("A mixed model needs at least two emotions and two speakers.")
    if table["value"].std(ddof=0) == 0:
        raise DataError(f"'{feature}' has the same value in every recording; there is nothing to explain.")
    return table.sort_values("speaker", kind="stable")


def _design(table: pd.DataFrame, reference: str) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """Return the design matrix, and that with interactions where every language has every emotion."""
    emotion = pd.get_dummies(table["emotion"], prefix="emotion", prefix_sep=" ", dtype=float)
    emotion = emotion.drop(columns=f"emotion {reference}")
    language = pd.get_dummies(table["language"], prefix="language", prefix_sep=" ", dtype=float).iloc[:, 1:]
    plain = pd.concat([emotion, language], axis=1)
    plain.insert(0, "level", 1.0)
    full = (pd.crosstab(table["language"], table["emotion"]) > 0).all(axis=None)
    if language.shape[1] == 0 or not full:
        return plain, None
    crossed = {f"{a} x {b}": emotion[a] * language[b] for a in emotion.columns for b in language.columns}
    return plain, plain.assign(**crossed)


def _likelihood_ratio(narrow: Any, wide: Any | None) -> float:
    from scipy.stats import chi2

    if wide is None:
        return float("nan")
    freedom = len(wide.fe_params) - len(narrow.fe_params)
    return float(chi2.sf(max(0.0, 2 * (wide.llf - narrow.llf)), freedom))

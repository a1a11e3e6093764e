"""Effect sizes, tests and directions of every feature of a run, by emotion and language: no model is involved.

The values are those that the run's normalisation makes of the whole table, without labels: z-scores within each
speaker under `speaker`, within each corpus under `corpus`, over all recordings under `train`; clipped at +-5 like
what the models see. Effect sizes do not change with the scale of a feature, nor with an offset that a whole language
has; a speaker's own offset they do feel, which is why `speaker` takes it away: a woman's neutral voice is then not
"high". What it costs: a speaker who acted one emotion only (as most of URDU's) has that emotion for a mean, and the
effect is erased.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analyses.statistics.bootstrap import DRAWS, Resamples, interval
from analyses.statistics.directions import ALL, directions
from analyses.statistics.effect_sizes import Group, eta_squared, hedges_g
from analyses.statistics.kruskal import kruskal_wallis, p_value
from analyses.statistics.multiplicity import benjamini_hochberg, holm
from analyses.statistics.sums import Sums, speaker_sums
from msfl.errors import DataError
from msfl.evaluation.intervals import draw_weights

if TYPE_CHECKING:
    from msfl.runs import Run

Floats = NDArray[np.float64]

NEUTRAL = "neutral"
ROUGH = 10
"""With fewer speakers than this an interval is rough, and the notes say so."""
_FEATURES = 128  # looked at together: their resamples stay within the processor's cache


@dataclass(frozen=True)
class Contrast:
    """One emotion against others.

    Attributes:
        emotion: Position of the emotion.
        others: Positions of what it is compared with.
        name: ``neutral`` or ``rest``.
    """

    emotion: int
    others: tuple[int, ...]
    name: str


@dataclass(frozen=True)
class Speech:
    """The labelled recordings of one language.

    Attributes:
        language: Its tag.
        values: Normalised features, shape (n, D).
        emotion: Code of the emotion of each recording, shape (n,).
        sums: Their sums per speaker and emotion.
    """

    language: str
    values: NDArray[np.float32]
    emotion: NDArray[np.intp]
    sums: Sums

    def contrasts(self) -> Iterator[Contrast]:
        """Yield every emotion against neutral, where there is neutral speech, and against all the others."""
        emotions = self.sums.emotions
        neutral = emotions.index(NEUTRAL) if NEUTRAL in emotions else None
        for code in range(len(emotions)):
            if neutral is not None and code != neutral:
                yield Contrast(code, (neutral,), NEUTRAL)
            yield Contrast(code, tuple(other for other in range(len(emotions)) if other != code), "rest")

    def clusters(self, contrast: Contrast) -> int:
        """Return the number of speakers on that side of a contrast which has fewer."""
        return min(self.sums.speaking(contrast.emotion), self.sums.speaking(*contrast.others))


def tables(run: Run, *, draws: int = DRAWS, seed: int = 0) -> dict[str, pd.DataFrame]:
    """Compute the tables `effects`, `tests` and `directions` of `docs/explanations.md`.

    Args:
        run: A run folder, opened.
        draws: Resamples of the speakers behind each interval.
        seed: Of the resamples.

    Raises:
        DataError: No language of the run has two emotions.
    """
    names = np.array(run.feature_names, dtype=object)
    languages = _languages(run)
    effects, eta = _intervals(languages, len(names), draws, seed)
    table = _effects(languages, names, effects)
    by_name = table.sort_values(
        "name", kind="stable", ignore_index=True
    )  # one feature is one piece of the file
    return {"effects": by_name, "tests": _tests(languages, names, eta), "directions": directions(table)}


def notes(run: Run) -> tuple[str, ...]:
    """Say in sentences what limits the statistics of this run: how few speakers there are, and the like."""
    found = [
        "Recordings of one speaker are not independent: the p-values of the Kruskal-Wallis tests are too small; "
        "rely on the intervals, which resample speakers."
    ]
    for language, rows in _labelled(run).groupby("language", sort=True):
        speakers = rows["who"].nunique()
        if rows["emotion"].nunique() < 2:
            found.append(f"{language} has one emotion only; nothing can be compared in it.")
        elif speakers < 2:
            found.append(f"{language} has one speaker: there is no interval, and nothing is shared with it.")
        elif speakers < ROUGH:
            found.append(f"{language} has {speakers} speakers: its intervals are rough.")
        if NEUTRAL not in set(rows["emotion"]):
            found.append(f"{language} has no neutral speech; emotions are compared with all others only.")
    return tuple(found)


def _labelled(run: Run) -> pd.DataFrame:
    """Return the utterances that have features, a language and an emotion; `who` stands for a missing speaker."""
    table = run.utterances.loc[run.features([]).index]
    table = table[table["emotion"].notna() & table["language"].notna()]
    who = table["speaker"].astype("string").fillna(table["corpus"].astype("string") + "/")
    return table.assign(who=who)


def _languages(run: Run) -> list[Speech]:
    from msfl.features.normalisation import Scaler
    from msfl.selection import normalisation

    features = run.features()
    everyone = run.utterances.loc[features.index]
    values = Scaler(normalisation(everyone)).fit(features, everyone).transform(features, everyone)
    found = []
    for language, rows in _labelled(run).groupby("language", sort=True):
        if rows["emotion"].nunique() > 1:
            own = values[features.index.get_indexer(rows.index)]
            codes = pd.factorize(rows["emotion"], sort=True)[0]
            sums = speaker_sums(own, rows["who"], rows["emotion"])
            found.append(Speech(str(language), own, codes, sums))
    if not found:
        raise DataError(
            f"{run.path}: no language has recordings of two emotions, so that there is nothing to compare."
        )
    return found


Key = tuple[str, str, str]  # language, emotion, contrast


class _Mean:
    """The mean over languages, resample by resample: languages are drawn independently of one another."""

    def __init__(self) -> None:
        self.total: Floats | float = 0.0
        self.clusters: list[int] = []

    def add(self, values: Floats, clusters: int) -> None:
        self.total = self.total + values
        self.clusters.append(clusters)

    def interval(self) -> tuple[Floats, Floats]:
        # Satterthwaite's freedom of a mean of independent estimates lies between the smallest of theirs and
        # their sum; the smallest is the cautious choice.
        return interval(np.asarray(self.total) / len(self.clusters), min(self.clusters))


def _intervals(
    languages: list[Speech], features: int, draws: int, seed: int
) -> tuple[dict[Key, Floats], dict[str, Floats]]:
    """Return the intervals of Hedges' g and of eta squared, each of shape (2, D)."""
    weights = [
        draw_weights(len(speech.sums.speakers), speech.language, resamples=draws, seed=seed)
        for speech in languages
    ]
    effects: dict[Key, list[Any]] = {}
    eta: dict[str, list[Any]] = {}
    for start in range(0, features, _FEATURES):
        part = slice(start, start + _FEATURES)
        means: dict[tuple[str, str], _Mean] = {}
        overall = _Mean()
        for speech, drawn in zip(languages, weights, strict=True):
            resamples = Resamples(speech.sums.columns(part), drawn)
            for contrast in speech.contrasts():
                g = resamples.hedges_g(contrast.emotion, contrast.others)
                emotion, clusters = speech.sums.emotions[contrast.emotion], speech.clusters(contrast)
                key = (speech.language, emotion, contrast.name)
                effects.setdefault(key, []).append(interval(g, clusters))
                means.setdefault((emotion, contrast.name), _Mean()).add(g, clusters)
            share, speakers = resamples.eta_squared(), len(speech.sums.speakers)
            eta.setdefault(speech.language, []).append(interval(share, speakers))
            overall.add(share, speakers)
        for (emotion, name), mean in means.items():
            effects.setdefault((ALL, emotion, name), []).append(mean.interval())
        eta.setdefault(ALL, []).append(overall.interval())
    return (
        {key: np.concatenate(pieces, axis=1) for key, pieces in effects.items()},
        {key: np.concatenate(pieces, axis=1) for key, pieces in eta.items()},
    )


def _effects(languages: list[Speech], names: NDArray[Any], intervals: dict[Key, Floats]) -> pd.DataFrame:
    blocks: dict[Key, dict[str, Any]] = {}
    for speech in languages:
        sums = speech.sums
        for contrast in speech.contrasts():
            others = list(contrast.others)
            n, n_other = sums.n[:, contrast.emotion].sum(), sums.n[:, others].sum()
            group = Group(n, sums.total[:, contrast.emotion].sum(0), sums.square[:, contrast.emotion].sum(0))
            rest = Group(n_other, sums.total[:, others].sum((0, 1)), sums.square[:, others].sum((0, 1)))
            blocks[speech.language, sums.emotions[contrast.emotion], contrast.name] = {
                "hedges_g": hedges_g(group, rest),
                "n": int(n),
                "n_other": int(n_other),
                "speakers": sums.speaking(contrast.emotion, *others),
            }
    if len(languages) > 1:
        for emotion, name in sorted({key[1:] for key in blocks}):
            own = [block for key, block in blocks.items() if key[1:] == (emotion, name)]
            blocks[ALL, emotion, name] = {
                "hedges_g": np.mean([block["hedges_g"] for block in own], axis=0),
                **{key: sum(block[key] for block in own) for key in ("n", "n_other", "speakers")},
            }
    pieces = []
    for key, block in blocks.items():
        language, emotion, name = key
        low, high = intervals[key]
        pieces.append(
            pd.DataFrame(
                {"name": names, "language": language, "emotion": emotion, "contrast": name}
                | {"hedges_g": block.pop("hedges_g"), "low": low, "high": high}
                | block
            )
        )
    return pd.concat(pieces, ignore_index=True)


def _tests(languages: list[Speech], names: NDArray[Any], intervals: dict[str, Floats]) -> pd.DataFrame:
    pieces, freedom = [], 0
    for speech in languages:
        sums = speech.sums
        cells = np.broadcast_to(sums.n.sum(0)[:, None], sums.total.shape[1:])
        own = eta_squared(cells, sums.total.sum(0), sums.square.sum(0))
        statistic = kruskal_wallis(speech.values, speech.emotion)
        degrees = len(sums.emotions) - 1
        freedom += degrees
        pieces.append(
            _test_rows(
                speech.language,
                names,
                own,
                intervals,
                statistic,
                degrees,
                len(speech.values),
                len(sums.speakers),
            )
        )
    if len(languages) > 1:
        mean = np.mean([piece["eta_squared"] for piece in pieces], axis=0)
        total = np.sum([piece["kruskal_h"] for piece in pieces], axis=0)  # independent chi-squared terms
        counts = [int(sum(piece[key].iloc[0] for piece in pieces)) for key in ("n", "speakers")]
        pieces.append(_test_rows(ALL, names, mean, intervals, total, freedom, *counts))
    return pd.concat(pieces, ignore_index=True)


def _test_rows(
    language: str,
    names: NDArray[Any],
    eta: Floats,
    intervals: dict[str, Floats],
    statistic: Floats,
    freedom: int,
    n: int,
    speakers: int,
) -> pd.DataFrame:
    p_values = p_value(statistic, freedom)
    low, high = intervals[language]
    return pd.DataFrame(
        {
            "name": names,
            "language": language,
            "eta_squared": eta,
            "low": low,
            "high": high,
            "kruskal_h": statistic,
            "p_value": p_values,
            "p_holm": holm(p_values),
            "p_bh": benjamini_hochberg(p_values),
            "n": n,
            "speakers": speakers,
        }
    )

"""Clusters in the shared representation of a multitask network, by emotion and by corpus, beside its single-task twin.

J. Kim et al. (INTERSPEECH 2017) show the benefit of auxiliary tasks as emotional clusters in the high-level
representation. Here the clusters have figures, and the map that shows them is only an illustration: two dimensions can
show clusters that are not there.

Every fold has a network, and so a space, of its own. Distances are measured within a fold, between its test utterances,
after each dimension was brought to variance one: Euclidean distances that no scale of a network changes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from msfl.models.registry import twin_of

if TYPE_CHECKING:
    from msfl.manifest import JobRecord
    from msfl.runs import Run

Floats = NDArray[np.float64]
EMBEDDING = "embedding.parquet"
CLUSTERS, MAP = "clusters", "cluster_map"
"""The tables."""
NEIGHBOURS = 10
MOST = 2000
"""Utterances of a fold that are looked at; of more, so many are drawn, the same for all models."""
SHOWN = 600
"""Points on a map."""
DRAWS = 1000
EMOTION, WITHIN, CORPUS = "emotion", "emotion within corpora", "corpus"
LABELS = (EMOTION, WITHIN, CORPUS)
"""Whose clusters: the emotions of all corpora together, those of each corpus by itself, and the corpora."""
MEASURES = ("silhouette", "neighbours")
_KEYS = ["label", "group", "corpus", "speaker", "fold", "utterance"]
_SHOWN_KEYS = [
    "model",
    "language_set",
    "fold",
    "seed",
    "utterance",
    "corpus",
    "language",
    "speaker",
    "emotion",
]
_MEASURING = 0.3
"""The share of the time that goes into figures; the rest goes into maps."""


def embedding_jobs(run: Run) -> list[JobRecord]:
    """Return the finished jobs of the largest language set that wrote a shared representation."""
    sets = run.manifest.language_sets
    found = [
        job for job in run.jobs if job.status == "done" and (run.job_folder(job.id) / EMBEDDING).is_file()
    ]
    largest = max((job.language_set for job in found), key=lambda name: len(sets.get(name, ())), default="")
    return [job for job in found if job.language_set == largest]


def tables(run: Run, *, told: Callable[[float], None] = lambda _: None) -> dict[str, pd.DataFrame]:
    """Return the tables `clusters` and `cluster_map` of a run, see ``docs/explanations.md``.

    They have no rows where no model has a shared representation.

    Args:
        run: The run.
        told: Takes the share that is done.
    """
    import sklearn.manifold
    import sklearn.metrics  # noqa: F401  # only of libraries that are loaded can threads be limited
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    jobs = embedding_jobs(run)
    firsts = _firsts(jobs)
    labels = run.utterances[["emotion"]].astype("string")
    measured, maps = [], []
    # The threads of t-SNE meet thousands of times: where a core is busy with something else, they wait for each other
    # ten times as long as one alone needs. And a sum over several depends on their number.
    with threadpool_limits(1):
        for number, (place, job) in enumerate(_numbered(jobs), start=1):
            measured.append(measure(_embedding(run, job, labels), seed=place).assign(model=job.model))
            told(_MEASURING * number / len(jobs))
        quality = _quality(pd.concat(measured, ignore_index=True) if measured else pd.DataFrame())
        for number, job in enumerate(firsts, start=1):
            maps.append(_map(_embedding(run, job, labels)))
            told(_MEASURING + (1 - _MEASURING) * number / len(firsts))
    quality.insert(1, "language_set", jobs[0].language_set if jobs else "")
    return {CLUSTERS: quality, MAP: _stacked(maps)}


def _numbered(jobs: Sequence[JobRecord]) -> list[tuple[int, JobRecord]]:
    """Return each job with the number of its fold: what is drawn from a fold is the same for all models."""
    folds = sorted({job.fold for job in jobs})
    return [(folds.index(job.fold), job) for job in jobs]


def _embedding(run: Run, job: JobRecord, labels: pd.DataFrame) -> pd.DataFrame:
    """Return the embedding of a job's test utterances that have an emotion, with it as a column."""
    found = run.job_table(job, EMBEDDING)
    return found.join(labels, on="utterance").dropna(subset=["emotion"]).reset_index(drop=True)


def standardised(frame: pd.DataFrame) -> Floats:
    """Return the embedding (n, E) of a table with columns e_0, e_1, ..., each of mean zero and variance one."""
    values = frame.filter(regex=r"^e_\d+$").to_numpy(dtype=np.float64)
    values = np.where(np.isfinite(values), values, 0.0)
    spread = values.std(axis=0)
    return np.asarray((values - values.mean(axis=0)) / np.where(spread > 1e-9, spread, 1.0))


def measure(frame: pd.DataFrame, *, seed: int = 0) -> pd.DataFrame:
    """Measure how each utterance of a fold lies among its like.

    Args:
        frame: Columns utterance, corpus, speaker (missing: a speaker of its own), fold, emotion, e_0, e_1, ...
        seed: Of the choice where there are more than `MOST` utterances.

    Returns:
        Columns label (`LABELS`), group (the class within it), corpus, speaker, fold, utterance, silhouette, neighbours
        (share of the nearest `NEIGHBOURS` that are of the same class), chance (that of all that could be neighbours).
        Neighbours by emotion are of other speakers, so that a voice is no emotion; missing where there are none.
    """
    from scipy.spatial.distance import cdist

    if len(frame) > MOST:
        chosen = np.random.default_rng(seed).choice(len(frame), MOST, replace=False)
        frame = frame.iloc[np.sort(chosen)].reset_index(drop=True)
    frame = frame.assign(speaker=frame["speaker"].astype("string").fillna(frame["utterance"]))
    place = standardised(frame)
    distances = cdist(place, place)
    speakers, corpora, emotions = (
        pd.factorize(frame[name].astype(str))[0] for name in ("speaker", "corpus", "emotion")
    )
    others = speakers[:, None] != speakers[None, :]
    same_corpus = corpora[:, None] == corpora[None, :]
    parts = [
        _rows(frame, EMOTION, frame["emotion"], distances, emotions, others),
        _rows(frame, CORPUS, frame["corpus"], distances, corpora, ~np.eye(len(frame), dtype=bool)),
    ]
    within = _rows(
        frame,
        WITHIN,
        frame["corpus"].astype(str) + " " + frame["emotion"].astype(str),
        distances,
        emotions,
        others & same_corpus,
    )
    silhouettes = np.full(len(frame), np.nan)
    for corpus in np.unique(corpora):
        rows = np.flatnonzero(corpora == corpus)
        silhouettes[rows] = _silhouettes(distances[np.ix_(rows, rows)], emotions[rows])
    return pd.concat([*parts, within.assign(silhouette=silhouettes)], ignore_index=True)


def _rows(
    frame: pd.DataFrame,
    label: str,
    group: pd.Series,
    distances: Floats,
    codes: NDArray[Any],
    allowed: NDArray[np.bool_],
) -> pd.DataFrame:
    same = codes[:, None] == codes[None, :]
    count = allowed.sum(axis=1)
    nearest = np.argsort(np.where(allowed, distances, np.inf), axis=1, kind="stable")[:, :NEIGHBOURS]
    counted = np.arange(nearest.shape[1])[None, :] < count[:, None]
    hits = np.take_along_axis(same, nearest, axis=1) & counted
    with np.errstate(invalid="ignore"):
        neighbours = hits.sum(axis=1) / counted.sum(axis=1)
        chance = (same & allowed).sum(axis=1) / count
    return pd.DataFrame(
        {
            "label": label,
            "group": group.astype(str).to_numpy(),
            **{name: frame[name].astype(str).to_numpy() for name in _KEYS[2:]},
            "silhouette": _silhouettes(distances, codes),
            "neighbours": neighbours,
            "chance": chance,
        }
    )


def _silhouettes(distances: Floats, codes: NDArray[Any]) -> Floats:
    """Return silhouettes (Rousseeuw 1987), shape (n,); missing where there are no two classes to compare."""
    from sklearn.metrics import silhouette_samples

    if not 2 <= len(np.unique(codes)) < len(codes):
        return np.full(len(codes), np.nan)
    return np.asarray(silhouette_samples(distances, codes, metric="precomputed"), dtype=np.float64)


def _quality(values: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of `clusters` from what `measure` found, with the column model."""
    columns = [
        "model", "label", "measure", "value", "sd_folds", "chance", "folds", "utterances", "speakers",
        "twin", "twin_value", "difference", "low", "high",
    ]  # fmt: skip
    rows = []
    models = list(dict.fromkeys(values["model"])) if len(values) else []
    for model in models:
        twin = twin_of(model) if twin_of(model) in models else ""
        for label in LABELS:
            own = _of(values, model, label)
            if label == CORPUS and own["group"].nunique() < 2:
                continue
            for measured in MEASURES:
                if own[measured].notna().any():
                    against = _of(values, twin, label) if twin else own.iloc[:0]
                    rows.append(
                        {"model": model, "label": label, "measure": measured, "twin": twin}
                        | _value(own, measured)
                        | _against(own, against, measured)
                    )
    return pd.DataFrame(rows, columns=columns)


def _of(values: pd.DataFrame, model: str, label: str) -> pd.DataFrame:
    """Return the rows of a model and label, the mean over seeds for each utterance."""
    rows = values[(values["model"] == model) & (values["label"] == label)]
    return rows.groupby(_KEYS, as_index=False)[[*MEASURES, "chance"]].mean()


def mean_of_groups(rows: pd.DataFrame, column: str) -> float:
    """Return the mean over the classes of their means: each class counts alike."""
    return float(rows.groupby("group")[column].mean().mean())


def _value(rows: pd.DataFrame, measured: str) -> dict[str, Any]:
    folds = [mean_of_groups(part, measured) for _, part in rows.groupby("fold")]
    return {
        "value": mean_of_groups(rows, measured),
        "sd_folds": float(np.nanstd(folds, ddof=1)) if np.isfinite(folds).sum() > 1 else np.nan,
        "chance": mean_of_groups(rows, "chance") if measured == "neighbours" else np.nan,
        "folds": len(folds),
        "utterances": int(rows[measured].notna().sum()),
        "speakers": int(rows["speaker"].nunique()),
    }


def _against(own: pd.DataFrame, twin: pd.DataFrame, measured: str) -> dict[str, float]:
    """Return the difference from the twin on the utterances of both, with its interval by bootstrap over speakers."""
    from analyses.statistics.bootstrap import interval

    pairs = own.merge(twin, on=_KEYS, suffixes=("", "_twin")).dropna(subset=[measured, f"{measured}_twin"])
    if pairs.empty:
        return dict.fromkeys(("twin_value", "difference", "low", "high"), np.nan)
    pairs = pairs.assign(difference=pairs[measured] - pairs[f"{measured}_twin"])
    # Speakers are drawn within corpora: the largest corpus stands for the degrees of freedom, fewer than all have.
    speakers = int(pairs.groupby("corpus")["speaker"].nunique().max())
    low, high = interval(_drawn(pairs)[None, :], speakers)
    return {
        "twin_value": mean_of_groups(pairs, f"{measured}_twin"),
        "difference": mean_of_groups(pairs, "difference"),
        "low": float(low[0]),
        "high": float(high[0]),
    }


def _drawn(pairs: pd.DataFrame) -> Floats:
    """Return the mean of groups of the difference in resamples of the speakers of each corpus, shape (`DRAWS`,)."""
    from msfl.evaluation.intervals import draw_weights

    groups = sorted(pairs["group"].unique())
    total, count = np.zeros((DRAWS, len(groups))), np.zeros((DRAWS, len(groups)))
    for corpus, part in pairs.groupby("corpus"):
        cells = part.groupby(["speaker", "group"])["difference"]
        sums, sizes = (
            one.unstack("group").reindex(columns=groups).fillna(0.0).to_numpy(dtype=float)
            for one in (cells.sum(), cells.size())
        )
        weights = draw_weights(len(sums), str(corpus), resamples=DRAWS)
        total += weights @ sums
        count += weights @ sizes
    means = np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)
    return np.asarray(np.nanmean(means, axis=1))


def _firsts(jobs: Sequence[JobRecord]) -> list[JobRecord]:
    """Return one job per model: its first fold and seed, which are the same for all where all have them."""
    models = dict.fromkeys(job.model for job in jobs)
    return [
        min((job for job in jobs if job.model == model), key=lambda job: (job.fold, job.seed))
        for model in models
    ]


def _map(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of `cluster_map` of a job's embedding; none of fewer than five utterances."""
    if len(frame) > SHOWN:
        chosen = np.random.default_rng(0).choice(len(frame), SHOWN, replace=False)
        frame = frame.iloc[np.sort(chosen)].reset_index(drop=True)
    if len(frame) < 5:
        return pd.DataFrame()
    return frame[_SHOWN_KEYS].assign(**dict(zip("xy", flat(frame).T, strict=True)))


def _stacked(maps: Sequence[pd.DataFrame]) -> pd.DataFrame:
    full = [one for one in maps if len(one)]
    return pd.concat(full, ignore_index=True) if full else pd.DataFrame(columns=[*_SHOWN_KEYS, "x", "y"])


def flat(frame: pd.DataFrame) -> NDArray[np.float32]:
    """Return a map of an embedding by t-SNE (van der Maaten & Hinton 2008), shape (n, 2), within -1 and 1.

    It begins with the first two principal components and is seeded: the same embedding gives the same map.
    """
    from sklearn.manifold import TSNE

    values = standardised(frame)
    if values.shape[1] < 2:
        values = np.pad(values, ((0, 0), (0, 2 - values.shape[1])))
    perplexity = min(30.0, (len(values) - 1) / 3)
    places = TSNE(perplexity=perplexity, init="pca", random_state=0, n_jobs=1).fit_transform(values)
    places = places - places.mean(axis=0)
    return np.asarray(places / max(float(np.abs(places).max()), 1e-9), dtype=np.float32)

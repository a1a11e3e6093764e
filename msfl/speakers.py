"""Whole speakers: who must stay together, who goes to which fold, and who can be spared for validation."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

SWAP_PASSES = 20
"""Upper bound of the passes of pairwise swaps; a handful is enough for the corpora of the field."""


def linked_speakers(table: pd.DataFrame, duplicates: pd.Series | None) -> np.ndarray:
    """Return the group of every utterance: its speaker, or all speakers that shared recordings link.

    Args:
        table: Utterances whose speaker is known.
        duplicates: Utterance id -> hash of its sound.

    Returns:
        Name of the group per row of the table; linked speakers are joined by ``+``.
    """
    speaker = table["speaker"].astype(str)
    if duplicates is None:
        return speaker.to_numpy(dtype=object)
    leader = {name: name for name in speaker.unique()}

    def find(name: str) -> str:
        while leader[name] != name:
            name = leader[name]
        return name

    hashes = duplicates.reindex(table.index).dropna()
    for _, names in speaker.loc[hashes.index].groupby(hashes):
        roots = sorted({find(name) for name in names.unique()})
        for root in roots[1:]:
            leader[root] = roots[0]
    root_of = pd.Series({name: find(name) for name in leader})
    label = root_of.groupby(root_of).agg(lambda linked: "+".join(sorted(linked.index)))
    return speaker.map(root_of.map(label)).to_numpy(dtype=object)


def spread(
    counts: NDArray[np.int64], home: NDArray[np.str_], folds: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Assign speakers to folds: greedy, then improved by swaps.

    The speakers of a home (a language of a corpus) are spread as evenly as possible; a home with fewer
    speakers than folds is absent from some folds. Under that constraint the sum of squared shares of every
    stratum in every fold is made small. A stratum that lies in one fold as a whole, though it has several
    speakers, costs extra, since that fold would have to test an emotion it never saw.

    Args:
        counts: Utterances per speaker and stratum (corpus, language and emotion), shape (speakers, strata).
        home: Corpus and language of each speaker.
        folds: Number of folds.
        rng: Breaks ties.

    Returns:
        Fold of each speaker, 0 to folds - 1.
    """
    # The whole is one more stratum, so that the folds get equal sizes across corpora too.
    sizes = counts.sum(axis=1, keepdims=True)
    load = np.hstack([counts, sizes]).astype(float)
    load /= np.maximum(load.sum(axis=0), 1)
    splittable = (load > 0).sum(axis=0) > 1
    fold_of = _greedy(load, home, folds, rng)
    _swap(fold_of, load, splittable, home, folds, rng)
    return fold_of


def _greedy(
    load: NDArray[np.float64], home: NDArray[np.str_], folds: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Give the speakers, largest first, to the fold where their strata are rarest."""
    fold_of = np.full(len(load), -1)
    filled = np.zeros((folds, load.shape[1]))
    held = {name: np.zeros(folds, dtype=int) for name in np.unique(home)}
    total = {name: int((home == name).sum()) for name in held}
    shuffled = rng.permutation(len(load))
    for i in shuffled[np.argsort(-load[shuffled].sum(axis=1), kind="stable")]:
        here = held[home[i]]
        floor, extra = divmod(total[home[i]], folds)
        may_exceed = (here > floor).sum() < extra
        open_ = np.flatnonzero((here < floor) | ((here == floor) & may_exceed))
        cost = (filled[open_] * load[i]).sum(axis=1)
        best = open_[np.lexsort((rng.random(len(open_)), cost.round(12)))[0]]
        fold_of[i] = best
        filled[best] += load[i]
        here[best] += 1
    return fold_of


def _swap(
    fold_of: NDArray[np.int64],
    load: NDArray[np.float64],
    splittable: NDArray[np.bool_],
    home: NDArray[np.str_],
    folds: int,
    rng: np.random.Generator,
) -> None:
    """Exchange speakers of one home between folds, in place, as long as the cost falls."""
    filled = np.zeros((folds, load.shape[1]))
    np.add.at(filled, fold_of, load)

    def cost(rows: NDArray[np.float64]) -> NDArray[np.float64]:
        whole = (rows > 1 - 1e-9) & splittable
        return np.asarray((rows**2 + 2 * whole).sum(axis=-1))

    for _ in range(SWAP_PASSES):
        improved = False
        for i in rng.permutation(len(load)):
            others = np.flatnonzero((home == home[i]) & (fold_of != fold_of[i]))
            if not len(others):
                continue
            mine, theirs = filled[fold_of[i]], filled[fold_of[others]]
            step = load[others] - load[i]
            gain = cost(mine + step) + cost(theirs - step) - cost(mine) - cost(theirs)
            if gain.min() < -1e-9:
                j = others[gain.argmin()]
                change = load[j] - load[i]
                filled[fold_of[i]] += change
                filled[fold_of[j]] -= change
                fold_of[i], fold_of[j] = fold_of[j], fold_of[i]
                improved = True
        if not improved:
            return


def spare_speakers(counts: pd.DataFrame, share: float, rng: np.random.Generator) -> list[str]:
    """Choose validation speakers of one language of a corpus; see `msfl.protocols.validation_speakers`.

    Args:
        counts: Utterances per speaker (index) and stratum, corpus, language and emotion (columns).
        share: Share of the speakers that is wanted.
        rng: Chooses among speakers that serve equally well.
    """
    if len(counts) < 3:
        return []
    wanted = max(1, round(share * len(counts)))
    has = counts.to_numpy() > 0
    size = counts.to_numpy().sum(axis=1)
    # A speaker with a large part of the corpus is taken last: the fit part needs the data.
    limit = 1.5 * max(share, wanted / len(counts)) * size.sum()
    order = rng.permutation(len(counts))
    taken: list[int] = []
    covered = np.zeros(has.shape[1], dtype=bool)
    while len(taken) < wanted:
        rest = np.setdiff1d(order, taken)
        spare = [i for i in order if i in rest and has[np.setdiff1d(rest, [i])].any(axis=0).all()]
        if not spare:
            break
        filled = size[taken].sum()
        best = min(spare, key=lambda i: (filled + size[i] > limit, -int((has[i] & ~covered).sum())))
        if taken and filled + size[best] > limit:
            break
        taken.append(int(best))
        covered |= has[best]
    return [str(counts.index[i]) for i in taken]

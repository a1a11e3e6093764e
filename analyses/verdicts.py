"""How far each ranking can be trusted, in words for readers who are no statisticians.

A verdict is the worst of its reasons: one failed test is enough not to trust a ranking, and a test that was not made
is a reason for caution. It is about a ranking as a description of a model on these recordings; whether that model's
features are signs of emotion in speech at large is another question, which other corpora answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analyses.rankings import NEARLY_UNIFORM
from analyses.repeats import CONSENSUS
from analyses.stability import ALL, EXCELLENT, ORDERS, POOR
from analyses.stability_of_averages import HALVES

if TYPE_CHECKING:
    from analyses.explanations import Explanations
    from msfl.runs import Run

STEADY = 0.8
"""A top list as steady as this is called steady: a little stricter than the .75 from which Nogueira et al. (2018,
section 6) call an index excellent. Below their .4 (`analyses.stability.POOR`) it is called unsteady."""
CONVINCING = 0.001
"""Removing the leading items first must harm the model more than a random order does, with a probability below
this by chance. Strict, because many rankings are tested."""
SUGGESTIVE = 0.05
"""Above this a ranking is no better than a random order."""
TRUST, CAUTION, DISTRUST = "trust", "caution", "do not trust"
SEVERITY = (TRUST, CAUTION, DISTRUST)
TOP = 10
ATTENTION = "attention"
WORDS = {"feature": "features", "contour": "contours", "functional": "statistics", "family": "families"}
HEADS = "heads"
LABELS = "labels"
RANDOMISED = {
    "parameters": "a network with shuffled weights",
    LABELS: "a model that was trained on shuffled labels",
}
COLUMNS = ("method", "language_set", "level", "verdict", "reasons", "stability", "faithful", "sane")


@dataclass(frozen=True)
class Reason:
    """One reason of a verdict.

    Attributes:
        verdict: What it would be worth alone: `TRUST`, `CAUTION` or `DISTRUST`.
        sentence: In words.
        figure: The figure that it rests on, if there is one.
    """

    verdict: str
    sentence: str
    figure: float = float("nan")


def table(found: Explanations, run: Run) -> pd.DataFrame:
    """Compute ``verdicts.parquet``, see docs/explanations.md.

    Args:
        found: The explanations of a run, with rankings; tests that are missing are a reason for caution.
        run: The run.
    """
    tests = {name: _or_empty(found, name) for name in ("stability", "faithfulness", "sanity", "confound")}
    sets = run.manifest.language_sets
    rows = []
    for method in found.methods:
        leaders = found.table(
            f"rankings/{method}",
            columns=["language_set", "level", "lift"],
            task="emotion",
            part_kind="",
            rank=1,
        )
        for name, level, lift in leaders[["language_set", "level", "lift"]].itertuples(index=False):
            several = len(sets.get(str(name), ())) > 1
            rows.append(verdict(method, str(name), str(level), tests, lift=float(lift), several=several))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def verdict(
    method: str,
    language_set: str,
    level: str,
    tests: Mapping[str, pd.DataFrame],
    *,
    lift: float,
    several: bool,
) -> dict[str, Any]:
    """Return the row of one ranking.

    Args:
        method: Name of the method.
        language_set: Name of the language set.
        level: ``feature``, ``contour``, ``functional`` or ``family``.
        tests: The tables stability, faithfulness, sanity and confound; empty ones where there are none.
        lift: Lift of the first item.
        several: Whether the set has several languages.
    """
    place = {"method": method, "language_set": language_set, "level": level}
    here = {name: _rows(frame, place) for name, frame in tests.items()}
    steady = stability_reason(here["stability"], level)
    faithful = faithfulness_reason(here["faithfulness"])
    sane = sanity_reason(_sanity_rows(tests["sanity"], place))
    reasons = [steady, faithful, sane]
    if (orders := orders_reason(here["stability"], level)) is not None:
        reasons.append(orders)
    if method == ATTENTION:
        reasons.append(attention_reason(lift))
    if several:
        reasons.append(confound_reason(here["confound"]))
    return {
        **place,
        "verdict": max((reason.verdict for reason in reasons), key=SEVERITY.index),
        "reasons": " ".join(reason.sentence for reason in reasons),
        "stability": steady.figure,
        "faithful": faithful.figure,
        "sane": sane.figure,
    }


def stability_reason(rows: pd.DataFrame, level: str) -> Reason:
    """Judge Nogueira's index of the top 10; its figure is the index.

    Readers are shown an average over the repeats. Where there are enough of them, the index is about averages over two
    halves of the repeats, which is what can be measured of it; else it is about single repeats.

    Args:
        rows: Rows of ``stability.parquet`` about one ranking; a table without columns where there is none.
        level: The level, for the words.
    """
    single, halves = _top_row(rows, ALL), _top_row(rows, HALVES)
    row = halves if halves is not None else single
    if row is None:
        if not len(rows.columns):  # there is no table: the test was not run, or failed
            return Reason(CAUTION, "How steady it is was not tested here.")
        return Reason(
            CAUTION,
            "Nothing is known about how steady it is, because it was computed once only: train with several folds "
            "and seeds.",
        )
    value, low, high = (float(row[name]) for name in ("value", "low", "high"))
    items = f"the {int(row['k'])} leading {WORDS[level]}"
    if halves is not None:
        again = f"computed from one half of the {2 * int(row['repeats'])} repeats and from the other"
        alone = f"; single repeats {float(single['value']):.2f}" if single is not None else ""
        index = f"Nogueira's index {value:.2f}{alone}; 1 is always the same, 0 is chance"
    else:
        again = "computed again with other recordings or another start of the training"
        interval = f", 95 % interval {low:.2f} to {high:.2f}" if np.isfinite(low) else ""
        index = f"Nogueira's index {value:.2f}{interval}; 1 is always the same, 0 is chance"
    if value < POOR:
        return Reason(DISTRUST, f"It is not steady: {again}, {items} are mostly others ({index}).", value)
    if value < STEADY:
        return Reason(CAUTION, f"It is fairly steady: {again}, some of {items} differ ({index}).", value)
    if halves is None and not low >= POOR:
        why = "there are too few repeats for an interval" if np.isnan(low) else "the interval is wide"
        return Reason(CAUTION, f"It looks steady, but {why} ({index}).", value)
    return Reason(TRUST, f"It is steady: {again}, {items} are almost always the same ({index}).", value)


def orders_reason(rows: pd.DataFrame, level: str) -> Reason | None:
    """Judge the index over orders of the features; None where the model was not retrained on other orders."""
    row = _top_row(rows, ORDERS)
    if row is None:
        return None
    value, k = float(row["value"]), int(row["k"])
    index = f"Nogueira's index over orders {value:.2f}"
    if value < POOR:
        return Reason(
            DISTRUST,
            f"It depends on the order in which the features are fed to the network, which means nothing: in another "
            f"order, the {k} leading {WORDS[level]} are mostly others ({index}).",
        )
    if value < EXCELLENT:
        return Reason(
            CAUTION, f"Feeding the features to the network in another order changes part of it ({index})."
        )
    return Reason(TRUST, f"The order in which the features are fed to the network hardly matters ({index}).")


def faithfulness_reason(rows: pd.DataFrame) -> Reason:
    """Judge the deletion test; its figure is the probability of doing so well by chance.

    A permutation p-value cannot be below 1 / (draws + 1). If a ranking beats every random one, the p-value under
    normality (`p_normal`) is taken instead, and the sentence says so; why it may be: docs/faithfulness.md.

    Args:
        rows: Rows of ``faithfulness.parquet`` about one ranking.
    """
    rows = rows[rows["test"] == "deletion"] if len(rows) else rows
    if rows.empty or not np.isfinite(rows["p_value"].iloc[0]):
        return Reason(CAUTION, "Whether the model itself depends on what stands first was not tested here.")
    row = rows.iloc[0]
    p, draws = float(row["p_value"]), int(row["random_draws"])
    normal = float(row.get("p_normal", np.nan))
    beats_all = p <= 1 / (1 + draws) + 1e-12
    how = ""
    if p >= CONVINCING and beats_all and np.isfinite(normal):
        p = max(normal, np.finfo(float).tiny)
        how = ", if the figures of random orders are normally distributed"
    chance = f"p {'<' if p < CONVINCING else '='} {max(p, CONVINCING):.2g}{how}"
    if p < CONVINCING:
        return Reason(
            TRUST,
            "It is faithful: the model recognises less (area under UAR) when these are taken away first than in "
            f"{f'each of {draws} random orders' if beats_all else 'random order'} ({chance}).",
            p,
        )
    if p < SUGGESTIVE:
        few = f"; only {draws} random orders were tried" if beats_all else ""
        return Reason(
            CAUTION,
            f"Taking away what stands first harms the model more than a random order does, but the evidence is "
            f"moderate ({chance}{few}).",
            p,
        )
    return Reason(
        DISTRUST,
        "It was not shown to be faithful: taking away what stands first harms the model no more clearly than a random "
        f"order does ({chance}).",
        p,
    )


def sanity_reason(rows: pd.DataFrame) -> Reason:
    """Judge the randomised models; its figure is the share of the kinds of `RANDOMISED` that were passed.

    Shuffling the last layers alone is a weaker test: what is computed before them need not change.

    Args:
        rows: Rows of ``sanity.parquet`` about one ranking.
    """
    judged = rows[rows["passed"].notna()] if len(rows) else rows
    if judged.empty or set(judged["randomised"]) == {HEADS}:
        if len(rows) and set(rows["randomised"]) - {HEADS}:
            return Reason(
                CAUTION,
                "Whether it would look the same for a model that learnt nothing cannot be told, because even real "
                "models do not agree on it.",
            )
        return Reason(
            CAUTION, "Whether it would look the same for a model that learnt nothing was not tested."
        )
    rows = judged
    by_kind = rows.groupby("randomised")["passed"].apply(lambda passed: bool(passed.astype(bool).all()))
    heads = bool(by_kind.get(HEADS, True))
    by_kind = by_kind.drop(HEADS, errors="ignore")
    share = float(by_kind.mean())
    failed = [str(kind) for kind, passed in by_kind.items() if not passed]
    if failed:
        named = " and ".join(RANDOMISED.get(kind, kind) for kind in failed)
        return Reason(
            DISTRUST, f"It hardly changes for {named}: it does not show what the model learnt.", share
        )
    if not heads:
        return Reason(
            CAUTION,
            "It changes, as it must, when the whole model is shuffled, but little when its last layers are: it "
            "shows what the model looks at more than what it concludes.",
            share,
        )
    if LABELS not in by_kind.index:
        return Reason(
            CAUTION,
            "It changes, as it must, when the weights of the network are shuffled; whether it would look the same for "
            "a network that was trained on shuffled labels was not tested.",
            share,
        )
    return Reason(TRUST, "It changes, as it must, when the model has learnt nothing.", share)


def attention_reason(lift: float) -> Reason:
    """Judge how far attention is from uniform, and say what attention is."""
    if lift < NEARLY_UNIFORM:
        return Reason(
            DISTRUST,
            f"The model attends to everything nearly alike (the first gets {lift:.2f} times its share): there is no "
            "order to speak of.",
        )
    return Reason(
        TRUST, "Attention says where a model looked, not why it decided: read it beside another method."
    )


def confound_reason(rows: pd.DataFrame) -> Reason:
    """Judge the language confound, by the strongest of its comparisons.

    A strong one is a reason for caution, not for distrust: the ranking may describe the model well, but not emotion.

    Args:
        rows: Rows of ``confound.parquet`` about one ranking.
    """
    from analyses.confound import AS_TRAINED
    from analyses.rank_agreement import JACCARD

    if len(rows):
        rows = rows[(rows["measure"] == JACCARD) & (rows["normalisation"] == AS_TRAINED)]
    if rows.empty:
        return Reason(CAUTION, "Whether it would serve to tell the languages apart as well was not tested.")
    rows = rows.sort_values("value", ascending=False, kind="stable")
    for strength, verdict in (("strong", CAUTION), ("some", TRUST)):
        found = rows[rows["strength"] == strength]
        if len(found):
            return Reason(verdict, str(found["verdict"].iloc[0]))
    return Reason(TRUST, "What leads it is not what tells the languages, or their recordings, apart.")


def _top_row(rows: pd.DataFrame, over: str) -> pd.Series[Any] | None:
    """Return the row of Nogueira's index for the top 10, or for the longest list that is shorter."""
    if rows.empty:
        return None
    chosen = rows[(rows["over"] == over) & (rows["index"] == "nogueira") & (rows["k"] <= TOP)]
    chosen = chosen[np.isfinite(chosen["value"])]
    return None if chosen.empty else chosen.loc[chosen["k"].idxmax()]


def _rows(frame: pd.DataFrame, place: Mapping[str, str]) -> pd.DataFrame:
    if frame.empty:
        return frame
    return frame[(frame[list(place)] == pd.Series(place)).all(axis=1)]


def _sanity_rows(frame: pd.DataFrame, place: Mapping[str, str]) -> pd.DataFrame:
    """Return the tests of this ranking; if there are none, those nearest to it.

    Randomising a model says something about the method, so that one language set may stand for another, and single
    features for their groups. The consensus passes if all the methods do that it is made of.
    """
    if frame.empty:
        return frame
    same_set, same_level = (frame[key] == place[key] for key in ("language_set", "level"))
    own = frame["method"] == place["method"]
    if place["method"] == CONSENSUS and not own.any():
        own = frame["method"] != CONSENSUS
    features = frame["level"] == "feature"
    nearest = (own & same_set & same_level, own & same_level, own & same_set & features, own & features, own)
    chosen: pd.DataFrame = next((frame[rows] for rows in nearest if rows.any()), frame.iloc[:0])
    return chosen


def _or_empty(found: Explanations, name: str) -> pd.DataFrame:
    return found.table(name) if found.has(name) else pd.DataFrame()

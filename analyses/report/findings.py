"""What a run shows, in sentences: for the summary, the model card and the JSON file."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from analyses.report import words
from analyses.report.context import ATTENTION
from msfl.errors import MsflError

if TYPE_CHECKING:
    import pandas as pd

    from analyses.report.context import Context
    from msfl.results import Row

MULTITASK = "msfl"
_SHOWN = 3


def scores(context: Context) -> list[str]:
    """Say how well the emotions are recognised, beside the best baseline."""
    comparison = context.comparison
    if comparison is None or not comparison.rows:
        return []
    simple = baselines(context)
    ours = [
        row for row in comparison.rows if row.model == MULTITASK and row.language_set == context.language_set
    ]
    ours = ours or [row for row in comparison.rows if row.model not in simple]
    against = [row for row in comparison.rows if row.model in simple]
    told = []
    if ours:
        told.append(
            f"{_system(context, ours[0])}, recognises the emotion with a UAR of {_score(context, ours[0])}."
        )
    if against:
        best = max(against, key=mean_score)
        told.append(
            f"The best baseline, {_system(context, best)}, reaches {_score(context, best)}"
            f"{_gap(context, ours[0]) if ours else ''}."
        )
    return told


def gains(context: Context) -> list[str]:
    """Say how many systems do better than their twins, by the models of all languages."""
    if context.gains is None:
        return []
    rows = context.gains[context.gains["language_set"] == context.language_set]
    rows = rows.groupby("model", sort=False).tail(1)  # the mean over corpora, or the only corpus
    if rows.empty:
        return []
    better, worse = int((rows["low"] > 0).sum()), int((rows["high"] < 0).sum())
    open_ = len(rows) - better - worse
    return [
        f"Against its twin, the same network without what its paper adds: of {words.counted(len(rows), 'system')} "
        f"{better} better, {worse} worse, {open_} not to be told apart."
    ]


def shared(context: Context) -> list[str]:
    """Say how many features are shared, by which method, and the first of them in words."""
    told = []
    for method in context.both:
        found = context.table("shared", method=method, part_kind="", level="feature", definition="top")
        if found is None or found.empty:
            continue
        yes = found[found["shared"].astype(bool)].sort_values("rank")
        chance = _chance(context, method)
        many = words.counted(len(yes), "feature is", "features are") if len(yes) else "no feature is"
        told.append(
            f"By {words.method(method)}, {many} in the first {context.top} of the model of all languages and of every "
            f"language alone{chance}{_first(yes)}."
        )
    if not told and len(context.languages) < 2:
        told.append("Only one language was trained, so that there is nothing to share.")
    return told


def direction(context: Context) -> list[str]:
    """Say how many features go the same way with an emotion in every language."""
    from analyses.shared_definitions import same_effect

    table = context.table("directions", columns=["name", "emotion", "contrast", "direction", "shared"])
    if table is None or table.empty:
        return []
    found = same_effect(table)
    return [
        f"Without any model: {found['shared'].sum():,} of {len(found):,} features go the same way with at least one "
        "emotion, against all others, in every language that has it, and the intervals of all of them say so."
    ]


def trust(context: Context) -> list[str]:
    """Say how steady the main ranking and attention's are."""
    told = []
    for method in context.both:
        found = context.table(
            "stability", method=method, language_set=context.language_set, level="feature", index="nogueira"
        )
        row = _at_top(context, found)
        if row is not None:
            what = "averages of half the networks" if row["over"] == "halves" else "single networks"
            told.append(
                f"Stability of the first {int(row['k'])} places by {words.method(method)}, between {what}: "
                f"{words.with_interval(row['value'], row['low'], row['high'])} (1: always the same "
                "features, 0: chance)."
            )
    return told


def planted(context: Context) -> list[str]:
    """Say which method finds what was planted, if anything was."""
    found = context.table("planted", language_set=context.language_set, where="all")
    if found is None or found.empty:
        return []
    at = found[
        (found["level"] == "feature") & (found["k"] == min(found["k"], key=lambda k: abs(k - context.top)))
    ]
    if at.empty:
        return []
    told = [
        f"{words.method(str(row['method']))} {words.number(row['precision'])}"
        for _, row in at.sort_values("precision", ascending=False).iterrows()
    ]
    k, chance = int(at["k"].iloc[0]), words.number(at["chance"].iloc[0])
    best = at["precision"].max()
    sentences = [
        f"Of the first {k} features, so many belong to what was planted (by chance {chance}): "
        f"{'; '.join(told)}."
    ]
    own = at.loc[at["method"] == ATTENTION, "precision"]
    if len(own) and float(own.iloc[0]) < best:
        sentences.append("Attention alone finds less of it than the best method: do not read it alone.")
    return sentences


ALL: tuple[Callable[[Context], list[str]], ...] = (scores, gains, shared, direction, trust, planted)
"""In the order of the summary."""


def verdict(context: Context, method: str) -> str | None:
    """Return the trust verdict on a ranking of features in words, with its reasons; None where there is none."""
    found = context.table("verdicts", method=method, language_set=context.language_set, level="feature")
    if found is None or found.empty:
        return None
    row = found.iloc[0]
    name = words.method(str(row["method"]))
    label = words.VERDICTS.get(str(row["verdict"]), str(row["verdict"]))
    return f"The ranking by {name}: {label}. {row['reasons']}".strip()


def mean_score(row: Row) -> float:
    """Return the mean over corpora, or over what there is."""
    from msfl.results import MEAN

    if MEAN in row.scores:
        return row.scores[MEAN].value
    return sum(score.value for score in row.scores.values()) / max(len(row.scores), 1)


def _score(context: Context, row: Row) -> str:
    from msfl.results import MEAN

    if MEAN in row.scores:
        one = row.scores[MEAN]
        return f"{words.with_interval(one.value, one.low, one.high)} (mean over corpora)"
    each = [
        f"{context.group_words(name)} {words.with_interval(one.value, one.low, one.high)}"
        for name, one in row.scores.items()
    ]
    return ", ".join(each)


def _system(context: Context, row: Row) -> str:
    name = words.model(row.model)
    return (
        f"{name[0].upper() if row.model == MULTITASK else name[0]}{name[1:]}, trained on "
        f"{context.set_words(row.language_set)}"
    )


def _gap(context: Context, row: Row) -> str:
    """Say whether a system and the best baseline differ, as far as the speakers allow to tell."""
    if context.differences is None:
        return ""
    name = f"{row.model}@{row.language_set}"
    frame = context.differences
    averaged = row.seeds.endswith("averaged")
    found = frame[frame["system"] == (f"{name}:ensemble" if averaged else name)]
    if found.empty:
        return ""
    last = found.iloc[-1]  # the mean over corpora, or the only corpus
    told = f": a difference of {words.with_interval(last['difference'], last['low'], last['high'], digits=3)}"
    if last["low"] != last["low"]:  # one speaker
        return f"{told}, with too few speakers for an interval"
    if last["low"] <= 0 <= last["high"]:
        return f"{told}, so that neither can be called better"
    return f"{told} in favour of {'the network' if last['low'] > 0 else 'the baseline'}"


def baselines(context: Context) -> set[str]:
    """Return the models of the run that are baselines."""
    from msfl import results

    try:
        return set(results.baselines(context.run))
    except MsflError:  # a model of a package that is not installed here
        return set()


def _chance(context: Context, method: str) -> str:
    """Return what random lists have in common, where it is known."""
    found = context.table("overlaps", method=method, part_kind="", level="feature", counted="feature")
    if found is None or found.empty:
        return ""
    expected = float(found.iloc[0]["expected"])
    return f" (random lists share {words.number(expected) if expected >= 0.01 else 'hardly ever one'})"


def _first(rows: pd.DataFrame) -> str:
    if rows.empty:
        return ""
    first = [str(text) for text in rows["in_words"].head(_SHOWN)]
    return f": {'; '.join(first)}" + ("; ..." if len(rows) > _SHOWN else "")


def _at_top(context: Context, found: pd.DataFrame | None) -> pd.Series | None:
    """Return the row of the averages of two halves, else of single repeats, at the length of the top."""
    if found is None or found.empty:
        return None
    at = found[found["k"] == min(found["k"], key=lambda k: abs(k - context.top))]
    for over in ("halves", "all", "folds", "seeds"):
        rows = at[(at["over"] == over) & at["value"].notna()]
        if len(rows):
            first: pd.Series = rows.iloc[0]
            return first
    return None

"""The tables behind the page "Trust": the tests of one ranking, each judged by the limits of the verdicts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from dashboard.data import RunData
from dashboard.state import State

if TYPE_CHECKING:
    import pandas as pd

TOP = 10
"""Length of the top list that the tests are about; the longest that was tested where there are fewer items."""
Reading = Literal["good", "caution", "bad", "open"]
"""How one test went; ``open``: it could not be made."""
READINGS: dict[str, Reading] = {"trust": "good", "caution": "caution", "do not trust": "bad"}
ROAR = "roar"
TESTS = ("deletion", "insertion", "comprehensiveness", "sufficiency", ROAR)
_SENTENCE = re.compile(r"(?<=\.) (?=[A-Z])")


def verdicts(run: RunData, state: State) -> pd.DataFrame | None:
    """Return the verdicts of all methods and levels for the language set of a view."""
    return run.table("verdicts", language_set=state.set)


def sentences(reasons: str) -> list[str]:
    """Return the sentences of the reasons of a verdict, one by one."""
    return [one for one in _SENTENCE.split(reasons) if one]


def stability(run: RunData, state: State) -> pd.DataFrame | None:
    """Return the stability of the top list of every method, for the set and level of a view."""
    table = run.table("stability", language_set=state.set, level=state.level)
    if table is None:
        return None
    kept = table[table["value"].notna() & (table["k"] <= TOP)]
    return kept[kept["k"] == kept["k"].max()] if len(kept) else kept


def read_stability(table: pd.DataFrame, method: str) -> tuple[Reading, float]:
    """Return how steady a method is, as its verdict judges it, and Nogueira's index (NaN where it is not known)."""
    from analyses.verdicts import stability_reason

    rows = table[(table["method"] == method) & (table["index"] == "nogueira")]
    if rows.empty:
        return "open", float("nan")
    reason = stability_reason(rows, "feature")
    return READINGS[reason.verdict], reason.figure


def faithfulness(run: RunData, state: State) -> pd.DataFrame | None:
    """Return the tests of faithfulness of the ranking of a view, in the order of `TESTS`."""
    table = run.table("faithfulness", language_set=state.set, level=state.level, method=state.method)
    if table is None:
        return None
    kept: pd.DataFrame = table[table["test"].isin(TESTS)]
    return kept.sort_values("test", key=lambda column: column.map(TESTS.index))


def read_faithfulness(table: pd.DataFrame) -> tuple[Reading, float]:
    """Return how faithful a ranking is by deletion, and the probability of so much by chance."""
    from analyses.verdicts import faithfulness_reason

    if not (table["test"] == "deletion").any():
        return "open", float("nan")
    reason = faithfulness_reason(table)
    return READINGS[reason.verdict], reason.figure


def curves(run: RunData, state: State) -> pd.DataFrame | None:
    """Return the curves of the models that the method of a view was tested on, with those of the other methods."""
    import pandas as pd

    table = run.table("curves", language_set=state.set, level=state.level)
    if table is None or table.empty:
        return None
    retrained = table["test"].str.startswith(ROAR)
    asked = table.loc[(table["method"] == state.method) & ~retrained, "model"].unique()
    if not len(asked):
        return None
    kept: pd.DataFrame = pd.concat([table[~retrained & (table["model"] == asked[0])], table[retrained]])
    return kept


def sanity(run: RunData, state: State) -> pd.DataFrame | None:
    """Return the tests with randomised models that are nearest to a view.

    Randomising a model says something about a method, so that the tests of another language set or level stand in for
    those that were not made; those of the method itself come first.
    """
    table = run.table("sanity")
    if table is None or table.empty:
        return None
    for column, wanted in (("level", state.level), ("language_set", state.set)):
        if (table[column] == wanted).any():
            table = table[table[column] == wanted]
        elif column == "level":
            table = table[table[column] == "feature"]
    return table.sort_values(
        ["method", "randomised"], key=lambda column: column.ne(state.method), kind="stable"
    )


def read_sanity(table: pd.DataFrame, method: str) -> tuple[Reading, int]:
    """Return whether a method passed, and how many tests it had; a consensus needs all methods to pass.

    Shuffled task heads alone are a first step: to fail there only is a reason for caution, as in the verdicts.
    """
    from analyses.repeats import CONSENSUS

    own = table if method == CONSENSUS else table[table["method"] == method]
    own = own[own["passed"].notna()]
    if own.empty:
        return "open", 0
    failed = set(own.loc[~own["passed"].astype(bool), "randomised"])
    reading: Reading = "bad" if failed - {"heads"} else "caution" if failed else "good"
    return reading, len(own)


def planted(run: RunData, state: State) -> pd.DataFrame | None:
    """Return how well the methods find what was planted, for the set and level of a view, its method first."""
    table = run.table("planted", language_set=state.set, level=state.level)
    if table is None or table.empty:
        return None
    kept = table[table["k"] == (table["items"] // 2).clip(1, TOP)]
    return kept.sort_values("method", key=lambda column: column.ne(state.method), kind="stable")


def read_planted(table: pd.DataFrame, method: str) -> tuple[Reading, float]:
    """Return whether a method finds more than chance does of what all languages have, and its precision."""
    for rows in (table[(table["method"] == method) & (table["ranking"] == "model")], table):
        everywhere = rows[rows["where"] == "all"]
        judged = everywhere if len(everywhere) else rows
        if len(judged):
            best = judged.sort_values("precision", ascending=False)
            found = float(best["p_value"].iloc[0]) < 0.05
            return ("good" if found else "bad"), float(best["precision"].iloc[0])
    return "open", float("nan")


def confound(run: RunData, state: State) -> pd.DataFrame | None:
    """Return the comparisons with what tells the languages apart: one row per comparison, with common shares."""
    from analyses.rank_agreement import JACCARD

    table = run.table("confound", language_set=state.set, level=state.level, method=state.method)
    if table is None or table.empty:
        return None
    kept = table[(table["measure"] == JACCARD) | table["value"].isna()]
    return kept.drop_duplicates(["normalisation", "against"])


def read_confound(table: pd.DataFrame) -> tuple[Reading, float]:
    """Return the reading of the strongest comparison as trained, and the share of the top list that is in both.

    A strong confound is a reason for caution, not for distrust, as in the verdicts.
    """
    from analyses.confound import AS_TRAINED

    rows = table[(table["normalisation"] == AS_TRAINED) & table["value"].notna()]
    if rows.empty or "strength" not in rows:
        return "open", float("nan")
    value = float(rows["value"].max())
    return ("caution" if (rows["strength"] == "strong").any() else "good"), 2 * value / (1 + value)


def agreement(run: RunData, state: State) -> pd.DataFrame | None:
    """Return how far the methods agree, pair by pair, for the set and level of a view."""
    return run.table("agreement", kind="methods", language_set=state.set, level=state.level)


def clusters(run: RunData, state: State) -> pd.DataFrame | None:
    """Return how well the shared representations separate, every network of the run."""
    return run.table("clusters")

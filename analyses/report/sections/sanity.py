"""Whether the methods look at the model at all: its parameters, and the labels, made random."""

from __future__ import annotations

from analyses.report import words
from analyses.report.absent import absent
from analyses.report.blocks import Notice, Paragraph, Section, Table
from analyses.report.context import Context

ORDER = 120
_PURPOSE = (
    "A method that gives the same ranking for a network with random weights, or for one that learnt "
    "random labels, does not "
    "describe what was learnt. So the ranking must change then."
)
_RANDOMISED = {
    "parameters": "the weights of the network",
    "heads": "the weights of the task heads",
    "labels": "the labels in training",
}


def section(context: Context) -> Section:
    """Return the section."""
    title, anchor = "Whether the methods look at the model", "sanity"
    found = context.table("sanity", language_set=context.language_set)
    if found is None or found.empty:
        return absent(context, title, anchor, "sanity", _PURPOSE)
    # What is measured and not judged (the heads alone) has no outcome.
    passed = found["passed"].astype("boolean")
    shown = found.assign(
        method=[words.method(str(name)) for name in found["method"]],
        level=[words.LEVELS.get(str(name), str(name)) for name in found["level"]],
        randomised=[_RANDOMISED.get(str(name), str(name)) for name in found["randomised"]],
        outcome=passed.map({True: "passed", False: "NOT passed"}).fillna(words.NONE),
    )
    columns = {
        "method": "method",
        "randomised": "made random",
        "level": "level",
        "value": "agreement with the real ranking",
        "reference": "agreement of two real networks",
        "outcome": "outcome",
        "verdict": "in words",
    }
    bad = sorted(set(shown.loc[~passed.fillna(True), "method"]))
    told = (
        f"Not passed everywhere: {words.listed(bad)}."
        if bad
        else "Every method passed: the rankings change when the network or the labels do."
    )
    return Section(
        title,
        anchor,
        [
            Paragraph(_PURPOSE, lead=True),
            Notice(told, "warning" if bad else "verdict"),
            Table("sanity", "Sanity checks", found, columns, shown=shown, rows=100),
        ],
    )

"""Whether the model itself misses the features that a ranking puts first."""

from __future__ import annotations

from analyses.report import drawn, words
from analyses.report.absent import absent
from analyses.report.blocks import Block, Paragraph, Section, Table, Terms
from analyses.report.context import Context

ORDER = 110
TESTS = {
    "deletion": "deletion",
    "insertion": "insertion",
    "comprehensiveness": "comprehensiveness",
    "sufficiency": "sufficiency",
    "roar": "remove and retrain (ROAR)",
}
_PURPOSE = (
    "A ranking is faithful if the model recognises worse without the features that it puts first, and "
    "well with them alone."
)
_EXPLAINED = {
    "Deletion": "The leading features are removed one after the other; the area under the recognition. Smaller is "
    "better.",
    "Insertion": "The leading features are put in one after the other; the area. Larger is better.",
    "Comprehensiveness": "How much recognition drops without the leaders. Larger is better.",
    "Sufficiency": "How much recognition drops with nothing but the leaders. Smaller is better.",
    "Remove and retrain (ROAR)": (
        "A model is trained anew without the leaders. Where related features can take their place it "
        "hardly gets worse, so that a large P here is no proof against a ranking. Smaller is better."
    ),
}


def section(context: Context) -> Section:
    """Return the section."""
    title, anchor = "Whether the rankings are faithful", "faithfulness"
    found = context.table("faithfulness", language_set=context.language_set)
    if found is None or found.empty:
        return absent(context, title, anchor, "faithfulness", _PURPOSE)
    shown = found.assign(
        method=[words.method(str(name)) for name in found["method"]],
        level=[words.LEVELS.get(str(name), str(name)) for name in found["level"]],
        test=[TESTS.get(str(name), str(name)) for name in found["test"]],
        random=[
            f"{words.number(row[0], 3)} ± {words.number(row[1], 3)}"
            for row in found[["random_mean", "random_sd"]].itertuples(index=False)
        ],
        value=[words.number(value, 3) for value in found["value"]],
        better=found["better"].map({"lower": "smaller", "higher": "larger"}),
    ).sort_values(["level", "test", "method"], kind="stable")
    columns = {
        "level": "level",
        "test": "test",
        "method": "ranking",
        "value": "value",
        "random": "random rankings",
        "better": "better is",
        "p_value": "P",
        "utterances": "utterances",
    }
    draws = int(found["random_draws"].min())
    blocks: list[Block] = [
        Paragraph(_PURPOSE, lead=True),
        Paragraph(
            "Each ranking stands against random rankings of the same length. P is the share of random "
            "rankings that do at least as well; with "
            f"{draws:,} of them it cannot be smaller than {words.number(1 / (draws + 1), 4)}."
        ),
        *drawn.curves(context),
        Table(
            "faithfulness",
            "Faithfulness of the rankings, against random ones",
            found,
            columns,
            shown=shown,
            rows=120,
            folded=len(found) > 20,
            latex=True,
        ),
        Terms(_EXPLAINED),
    ]
    return Section(title, anchor, blocks)

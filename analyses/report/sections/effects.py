"""Effect sizes of the leading features, by emotion and language, without any model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyses.report import drawn, words
from analyses.report.absent import absent
from analyses.report.blocks import Block, Fold, Notice, Paragraph, Section, Table
from analyses.report.context import Context

if TYPE_CHECKING:
    import pandas as pd

ORDER = 90
SHOWN = 10
"""So many features have a forest plot."""


def section(context: Context) -> Section:
    """Return the section."""
    title, anchor = "What the features themselves do", "effects"
    leaders = context.leaders(SHOWN)
    effects = leading_effects(context, leaders)
    purpose = (
        "How much a feature differs between emotions in each language, and whether the languages "
        "agree in direction, can "
        "be said without any model: a check on every ranking."
    )
    if effects is None or effects.empty:
        return absent(context, title, anchor, "effects", purpose)
    blocks: list[Block] = [
        Paragraph(purpose, lead=True),
        Paragraph(
            "Effect sizes are Hedges' g: the difference between an emotion and all other utterances "
            "in standard deviations "
            "(.2 small, .5 middling, .8 large), with 95 % intervals by bootstrap over speakers. A "
            "feature is called shared in direction only where "
            "the intervals of all languages lie on the same side of zero."
        ),
    ]
    few = sorted(
        {
            str(row["language"])
            for _, row in effects.iterrows()
            if row["language"] != "all" and row["speakers"] < 10
        }
    )
    if few:
        blocks.append(
            Notice(
                f"Fewer than ten speakers in {words.languages(few)}: these intervals are rough, and "
                "rather too short."
            )
        )
    blocks += [
        *drawn.forests(context, effects, leaders),
        Fold("Effect sizes of the leading features", [_effects_table(effects)], printed=False),
        *_directions(context),
        *_tests(context, leaders),
    ]
    return Section(title, anchor, blocks)


def leading_effects(context: Context, leaders: list[str]) -> pd.DataFrame | None:
    """Return the effects of the leading features against the rest, or against neutral where there is no other."""
    if not leaders:
        return None
    found = context.table("effects", name=leaders)
    if found is None or found.empty:
        return found
    rest = found[found["contrast"] == "rest"]
    return (rest if len(rest) else found).reset_index(drop=True)


def _effects_table(effects: pd.DataFrame) -> Table:
    shown = effects.assign(
        language=[
            "all languages" if tag == "all" else words.language(str(tag)) for tag in effects["language"]
        ],
        effect=[
            words.with_interval(*row) for row in effects[["hedges_g", "low", "high"]].itertuples(index=False)
        ],
    )
    columns = {
        "name": "feature",
        "emotion": "emotion",
        "language": "language",
        "effect": "Hedges' g",
        "n": "utterances",
        "speakers": "speakers",
    }
    return Table(
        "effects-leading", "Effect sizes of the leading features", effects, columns, shown=shown, rows=200
    )


def _directions(context: Context) -> list[Block]:
    found = context.table("directions")
    if found is None or found.empty:
        return []
    rest = found[found["contrast"] == "rest"] if (found["contrast"] == "rest").any() else found
    counts = (
        rest.groupby("emotion")["shared"]
        .agg(["sum", "count"])
        .reset_index()
        .set_axis(["emotion", "shared", "features"], axis=1)
    )
    counts["share"] = counts["shared"] / counts["features"]
    return [
        Table(
            "directions-counts",
            "Features that go the same way in every language that has the emotion",
            counts,
            {"emotion": "emotion", "shared": "same way in every language, by intervals", "features": "of"},
        )
    ]


def _tests(context: Context, leaders: list[str]) -> list[Block]:
    found = context.table("tests", name=leaders)
    if found is None or found.empty:
        return []
    shown = found.assign(
        language=[words.language(str(tag)) if tag != "all" else "all languages" for tag in found["language"]],
        eta=[
            words.with_interval(*row) for row in found[["eta_squared", "low", "high"]].itertuples(index=False)
        ],
    )
    columns = {
        "name": "feature",
        "language": "language",
        "eta": "eta squared",
        "p_holm": "P (Holm)",
        "p_bh": "P (BH)",
        "speakers": "speakers",
    }
    note = (
        "Kruskal-Wallis over the emotions; corrected over all features of the run. The test treats "
        "utterances as independent, which those "
        "of one speaker are not: its P is too small. The intervals, over speakers, are the safer guide."
    )
    return [
        Fold(
            "Tests of the leading features",
            [Table("tests-leading", "Tests", found, columns, shown=shown, rows=120, note=note)],
            printed=False,
        )
    ]

"""The shared features, in words, with both rankings, their spread over repeats, and how far they can be trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyses.report import drawn, findings, words
from analyses.report.blocks import Block, Fold, Notice, Paragraph, Section, Table, Terms
from analyses.report.context import Context

if TYPE_CHECKING:
    import pandas as pd

ORDER = 50
DEFINITIONS = {
    "top": "in every top list",
    "aggregated": "aggregated over the languages",
    "direction": "same direction everywhere",
}
_EXPLAINED = {
    "In every top list": (
        "The feature is in the top of the model of all languages and of the model of every language "
        "alone (Ma & Wang 2022)."
    ),
    "Aggregated over the languages": (
        "The feature stands higher in the lists of the single languages than chance would put it (robust "
        "rank aggregation, Kolde et al. 2012; P is corrected for the number of lists and features)."
    ),
    "Same direction everywhere": (
        "In every language the feature rises, or in every language it falls, with an emotion, and the "
        "intervals of all languages say so. No model is involved where effect sizes were computed."
    ),
}


def section(context: Context) -> Section:
    """Return the section."""
    title, anchor = "The shared features", "shared"
    if not context.methods:
        text = context.why_missing("shared") or "No model of this run has a ranking of features."
        return Section(title, anchor, [Notice(text, "missing", context.command("explain"))])
    blocks: list[Block] = [
        Paragraph(sentence, lead=number == 0) for number, sentence in enumerate(findings.shared(context))
    ]
    for method in context.both:
        verdict = findings.verdict(context, method)
        if verdict is not None:
            blocks.append(Notice(verdict, "verdict"))
    if len(context.languages) < 2 or not context.alone:
        blocks.append(Notice(_nothing_to_share(context)))
    blocks += [
        Paragraph(
            "Importance is given as a weight: 1 × is what every feature would get if all counted "
            "alike. The rank is that over all test "
            "utterances; beside it stand the mean rank over the repeats (folds and seeds) and its "
            "spread. A rank "
            "that jumps between repeats means little, however high it is."
        ),
        *_lists(context),
        *drawn.rank_spread(context),
        *_definitions(context),
    ]
    return Section(title, anchor, blocks)


def _nothing_to_share(context: Context) -> str:
    if len(context.languages) < 2:
        return (
            "Every model has heard one language only, so there is no sharing between languages to "
            "speak of: the rankings are those of a single language."
        )
    return (
        "There are no models of single languages to compare with, so the first definition of a shared "
        "feature cannot be applied."
    )


def leaders_table(context: Context) -> pd.DataFrame:
    """Return the leading features: words, family, and for each ranking shown rank, weight, spread; shared or not."""
    import pandas as pd

    names = context.leaders()
    frame = pd.DataFrame({"name": names})
    for number, method in enumerate(context.both):
        ranking = context.rankings(method)
        if ranking is None:
            continue
        if "in_words" not in frame:
            labels = ranking.set_index("name")[["in_words", "family"]]
            frame = frame.join(labels, on="name")
        columns = ["rank", "lift", "mean_rank", "sd_rank", "in_top"]
        found = ranking.set_index("name")[columns].add_prefix(f"{method}_")
        frame = frame.join(found, on="name")
        frame[f"{method}_shared"] = frame["name"].isin(shared_names(context, method))
        if number == 0:
            frame = frame.sort_values(f"{method}_rank", ignore_index=True)
    return frame


def shared_names(context: Context, method: str, part: str = "") -> list[str]:
    """Return the features that are in every top list by a method, best first."""
    found = context.table(
        "shared",
        method=method,
        level="feature",
        definition="top",
        part=part,
        part_kind="emotion" if part else "",
    )
    if found is None or found.empty:
        return []
    return [str(name) for name in found[found["shared"].astype(bool)].sort_values("rank")["name"]]


def _lists(context: Context) -> list[Block]:
    frame = leaders_table(context)
    if frame.empty or "in_words" not in frame:
        return []
    main = context.main_method
    shown = frame[["in_words", "name", "family"]].copy()
    headings = {"in_words": "feature, in words", "name": "name in openSMILE", "family": "family"}
    note = f"Model: {context.set_words(context.language_set)}."
    if context.alone:  # without models of single languages nothing can be in all lists
        shown["shared"] = ["yes" if flag else "no" for flag in frame[f"{main}_shared"]]
        headings["shared"] = "shared"
        note = (
            f"Shared: in the first {context.top} of the model of all languages and of every language alone, by "
            f"{words.method(main)}. {note}"
        )
    for method in context.both:
        if f"{method}_rank" not in frame:
            continue
        short = words.method(method).split(" (")[0].replace("consensus of the methods", "consensus")
        shown[f"{method}_place"] = [
            words.NONE
            if row[0] != row[0]
            else f"{int(row[0])} ({words.number(row[1], 1)} ± {words.number(row[2], 1)})"
            for row in frame[[f"{method}_{name}" for name in ("rank", "mean_rank", "sd_rank")]].itertuples(
                index=False
            )
        ]
        shown[f"{method}_weight"] = [
            f"{value:.1f} ×" if value == value else words.NONE for value in frame[f"{method}_lift"]
        ]
        headings |= {
            f"{method}_place": f"{short}: rank (mean ± spread)",
            f"{method}_weight": f"{short}: weight",
        }
    first = min(context.top, len(frame))
    return [
        Table(
            "shared-features",
            f"The {'shared features and the ' if context.alone else ''}first {first} of each ranking",
            frame,
            headings,
            shown=shown,
            rows=40,
            latex=True,
            note=note,
        )
    ]


def _definitions(context: Context) -> list[Block]:
    found = context.table("shared", part_kind="", level="feature", method=context.both)
    if found is None or found.empty:
        return []
    yes = found[found["shared"].astype(bool)].sort_values(["method", "definition", "rank"])
    if yes.empty:
        return [Paragraph("By none of the definitions is any feature shared.")]
    shown = yes.assign(
        method=[words.method(str(name)) for name in yes["method"]],
        definition=[DEFINITIONS.get(str(name), str(name)) for name in yes["definition"]],
    )
    columns = {
        "definition": "definition",
        "in_words": "feature, in words",
        "family": "family",
        "rank": "rank",
        "p_value": "P",
        "detail": "in the single languages",
        "method": "ranking",
    }
    counts = yes.groupby(["method", "definition"]).size().unstack("definition", fill_value=0)
    counts = counts.reindex(columns=[name for name in DEFINITIONS if name in counts]).reset_index()
    headings = {"method": "ranking"} | {
        name: DEFINITIONS[name] for name in counts.columns if name != "method"
    }
    summary = counts.assign(method=[words.method(str(name)) for name in counts["method"]])
    return [
        Table(
            "shared-counts",
            "How many features are shared, by each definition",
            counts,
            headings,
            shown=summary,
        ),
        Terms(_EXPLAINED),
        Fold(
            "All shared features by each definition",
            [Table("shared-definitions", "Shared features", yes, columns, shown=shown, rows=150)],
            printed=False,
        ),
    ]

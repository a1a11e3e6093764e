"""How many labels are needed: scores over the share of labels, where several runs of the report make a curve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyses.report import words
from analyses.report.blocks import Block, Figure, Paragraph, Section, Table
from analyses.report.context import Context

if TYPE_CHECKING:
    import pandas as pd

    from msfl.runs import Run

ORDER = 45


def section(context: Context) -> Section | None:
    """Return the section; it stands in the chapter of the first run of a curve."""
    from analyses.learning_curve import curves, gains, learning_curve

    runs = _curve(context, curves(context.beside))
    if not runs:
        return None
    curve, gained = learning_curve(runs), gains(runs)
    shares = words.listed([f"{100 * run.labelled:.3g} %" for run in runs])
    blocks: list[Block] = [
        Paragraph(_lead(curve, gained), lead=True),
        Paragraph(
            f"{words.counted(len(runs), 'run')} of this report differ in the share of the training utterances whose "
            f"label the models have seen: {shares}. Labels were hidden at random within each class of each corpus, the "
            "same ones for all models of a fold and seed, and test labels never. Scores are means over seeds, without "
            "ensembles: those have seen several draws of labels."
        ),
        *_figures(context, curve),
        Table(
            "learning-curve",
            "UAR over the share of labels [95 % interval over speakers]",
            curve,
            {
                "share": "labelled",
                "trained": "trained on",
                "name": "model",
                "where": "corpus",
                "score": "UAR",
            },
            shown=_shown(context, curve),
            folded=True,
            note=context.run.title().rpartition("; labels:")[0] or context.run.title(),
        ),
        *_gains(context, gained),
    ]
    return Section("How many labels are needed", "learning-curve", blocks)


def _curve(context: Context, found: list[list[Run]]) -> list[Run]:
    """Return the curve in whose first chapter this is: the first of its runs in the order of the report."""
    for runs in found:
        paths = {run.path for run in runs}
        first = next((run for run in context.beside if run.path in paths), None)
        if first is not None and first.path == context.run.path:
            return runs
    return []


def _lead(curve: pd.DataFrame, gained: pd.DataFrame) -> str:
    rows = gained[gained["group"].str.startswith("mean")] if len(gained) else gained
    rows = rows if len(rows) else gained
    if rows.empty:
        shares = curve["labelled"].nunique()
        return f"Scores with {words.counted(shares, 'share')} of the labels, on the same test utterances."
    rows = rows[rows["language_set"] == rows["language_set"].iloc[-1]].sort_values("labelled")
    told = [
        f"{words.number(row.difference, 3)} {words.interval(row.low, row.high, 3)} with {100 * row.labelled:.3g} %"
        for row in rows.itertuples(index=False)
    ]
    better = int((rows["low"] > 0).sum())
    said = "in none of them" if not better else f"in {better} of {len(rows)}"
    return (
        f"Learning from unlabelled utterances changes the UAR of {words.model(str(rows['model'].iloc[0]))} by "
        f"{words.listed(told)} of the labels, beside its supervised twin; it is a gain that the interval bears out "
        f"{said}."
    )


def _figures(context: Context, curve: pd.DataFrame) -> list[Block]:
    from analyses.figures import learning_curve as plot
    from msfl.results import MEAN

    group = MEAN if (curve["group"] == MEAN).any() else str(curve["group"].iloc[0])
    made: list[Block] = []
    for name in dict.fromkeys(curve["language_set"]):
        rows = curve[(curve["language_set"] == name) & (curve["group"] == group)]
        rows = rows.assign(model=[words.model(str(model)) for model in rows["model"]])
        if rows["labelled"].nunique() > 1:
            made.append(
                Figure(
                    f"learning-curve-{len(made) + 1}",
                    f"UAR over the share of labels, {context.set_words(str(name))}, {context.group_words(group)}",
                    plot.how_to_read(),
                    plot.figure(rows),
                    rows,
                )
            )
    return made


def _shown(context: Context, curve: pd.DataFrame) -> pd.DataFrame:
    score = [
        words.with_interval(*row)
        for row in zip(curve["uar"], curve["uar_low"], curve["uar_high"], strict=True)
    ]
    return curve.assign(
        share=[f"{100 * share:.3g} %" for share in curve["labelled"]],
        trained=[context.set_words(str(name)) for name in curve["language_set"]],
        name=[words.model(str(name)) for name in curve["model"]],
        where=[context.group_words(str(name)) for name in curve["group"]],
        score=score,
    )


def _gains(context: Context, gained: pd.DataFrame) -> list[Block]:
    if gained.empty:
        return []
    spans = zip(gained["difference"], gained["low"], gained["high"], strict=True)
    shown = gained.assign(
        share=[f"{100 * share:.3g} %" for share in gained["labelled"]],
        trained=[context.set_words(str(name)) for name in gained["language_set"]],
        where=[context.group_words(str(name)) for name in gained["group"]],
        difference=[words.with_interval(*row, digits=3) for row in spans],
        p=[words.p_value(value) for value in gained["p"]],
    )
    return [
        Table(
            "learning-curve-gains",
            "What unlabelled utterances add: UAR minus that of the supervised twin, on the same utterances",
            gained,
            {
                "share": "labelled",
                "trained": "trained on",
                "where": "corpus",
                "difference": "difference of UAR",
                "p": "P",
            },
            shown=shown,
            note="Paired over speakers; P by flipping the sign of each speaker's difference.",
        )
    ]

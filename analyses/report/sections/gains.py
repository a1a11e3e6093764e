"""What each multitask system gains on its twin, the same network without what its paper adds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from analyses.report import words
from analyses.report.blocks import Block, Figure, Notice, Paragraph, Points, Section, Table
from analyses.report.context import Context

if TYPE_CHECKING:
    import pandas as pd

ORDER = 42
_PURPOSE = (
    "A further task is worth its trouble if the same network without it does worse. Each system stands here beside its "
    "twin: trained on the main task alone, on the same folds, compared on the same utterances (for the autoencoder: "
    "without reconstruction and prior, on labelled utterances only)."
)
_CAUTION = (
    "The intervals are about other speakers, not about another start of the training, which moves every score as well"
    "{seeds}. Of twenty comparisons of equals, about one leaves zero out of its interval."
)
_NOTE = "Paired over speakers; P by flipping the sign of each speaker's difference."


def section(context: Context) -> Section | None:
    """Return the section; None where no system stands beside its twin."""
    found = context.gains
    if found is None:
        return None
    headline = found.groupby(["language_set", "model"], sort=False).tail(1)  # the mean, or the only corpus
    blocks: list[Block] = [
        Paragraph(_PURPOSE, lead=True),
        Points([_sentence(context, row) for row in headline.itertuples(index=False)]),
        _figure(context, headline),
        Notice(_CAUTION.format(seeds=_seeds(context))),
        _table(context, found),
    ]
    return Section("What each system gains on its twin", "gains", blocks)


def _sentence(context: Context, row: Any) -> str:
    if row.low != row.low:
        verdict = "too few speakers for an interval"
    elif row.low == row.high == 0:  # such as MSFL on one language, where there is no second task
        verdict = "the two give the same answers"
    elif row.low > 0:
        verdict = "it does better than its twin"
    elif row.high < 0:
        verdict = "it does worse than its twin"
    else:
        verdict = "neither can be called better"
    name = _named(context, row)
    return (
        f"{name[0].upper()}{name[1:]}, against {words.model(row.twin)}: "
        f"{words.with_interval(row.difference, row.low, row.high, 3)} of UAR, {verdict}."
    )


def _seeds(context: Context) -> str:
    many = len(context.run.experiment.training.seeds)
    return (
        f"; here the scores are means over {many} starts"
        if many > 1
        else ", and here there was one start only"
    )


def _figure(context: Context, headline: pd.DataFrame) -> Figure:
    from analyses.figures import gains as plot

    rows = headline.assign(model=[_named(context, row) for row in headline.itertuples(index=False)])
    columns = {"model": "system", "difference": "difference of UAR", "low": "from", "high": "to"}
    return Figure(
        "gains-overall", "UAR minus that of the twin", plot.how_to_read(), plot.figure(rows), rows, columns
    )


def _table(context: Context, found: pd.DataFrame) -> Table:
    shown = found.assign(
        model=[_named(context, row) for row in found.itertuples(index=False)],
        twin=[words.model(str(name)) for name in found["twin"]],
        group=[context.group_words(str(name)) for name in found["group"]],
        difference=[
            words.with_interval(row[0], row[1], row[2], 3)
            for row in found[["difference", "low", "high"]].itertuples(index=False)
        ],
        f1_gain=[
            _share(*row) for row in found[["f1_gain", "f1_gain_low", "f1_gain_high"]].itertuples(index=False)
        ],
    )
    columns = {
        "model": "system",
        "twin": "its twin",
        "group": "corpus",
        "difference": "difference of UAR",
        "p": "P",
        "f1_gain": "relative gain in macro F1",
    }
    return Table(
        "gains",
        "Every system against its twin, on the same utterances",
        found,
        columns,
        shown=shown,
        folded=True,
        note=_NOTE,
    )


def _share(gain: float, low: float, high: float) -> str:
    """Return a relative gain in per cent, as multitask papers give it."""
    if gain != gain:
        return words.NONE
    return f"{100 * gain:+.1f} %" + (f" [{100 * low:+.1f}, {100 * high:+.1f}]" if low == low else "")


def _named(context: Context, row: Any) -> str:
    """Return the name of a system; with what it was trained on, unless that is all languages."""
    name, trained = words.model(str(row.model)), str(row.language_set)
    return name if trained == context.language_set else f"{name}, {context.set_words(trained)}"

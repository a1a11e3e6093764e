"""How far a ranking for emotion is also a ranking for telling the languages, and so the corpora, apart."""

from __future__ import annotations

from analyses.report import words
from analyses.report.absent import absent
from analyses.report.blocks import Block, Paragraph, Points, Section, Table
from analyses.report.context import Context

ORDER = 130
_PURPOSE = (
    "Where each language has its own corpus, a network can tell the languages apart by microphone, "
    "room or actors. If a ranking for emotion "
    "is much the same as a ranking for that, it may be about recordings."
)
_MEASURES = {"kendall_tau_b": "Kendall's tau-b", "jaccard": "Jaccard at k", "rbo": "rank-biased overlap"}


def section(context: Context) -> Section | None:
    """Return the section; None where there is one language only."""
    if len(context.languages) < 2:
        return None
    title, anchor = "Emotion, or the recording?", "confound"
    found = context.table("confound", language_set=context.language_set)
    if found is None or found.empty:
        return absent(context, title, anchor, "confound", _PURPOSE)
    features = found[(found["level"] == "feature") & found["method"].isin(context.both)]
    told = dict.fromkeys(
        f"{words.method(str(row['method']))}: {row['verdict']}"
        for row in features.dropna(subset=["verdict"]).to_dict("records")
    )
    shown = found.assign(
        method=[words.method(str(name)) for name in found["method"]],
        level=[words.LEVELS.get(str(name), str(name)) for name in found["level"]],
        measure=[_MEASURES.get(str(name), str(name)) for name in found["measure"]],
        value=[words.with_interval(*row) for row in found[["value", "low", "high"]].itertuples(index=False)],
    )
    columns = {
        "method": "ranking",
        "level": "level",
        "against": "compared with",
        "normalisation": "normalisation",
        "measure": "measure",
        "value": "agreement",
        "chance": "by chance",
        "p_value": "P",
    }
    columns = {name: text for name, text in columns.items() if name in shown}
    blocks: list[Block] = [
        Paragraph(_PURPOSE, lead=True),
        Points([f"{text[0].upper()}{text[1:]}" for text in told]),
        Table(
            "confound",
            "Agreement of the emotion ranking with a language ranking",
            found,
            columns,
            shown=shown,
            rows=100,
            folded=len(found) > 12,
        ),
    ]
    return Section(title, anchor, blocks)

"""How steady the rankings are, and where they agree with each other."""

from __future__ import annotations

from analyses.report import drawn, words
from analyses.report.absent import absent
from analyses.report.blocks import Block, Paragraph, Section, Table
from analyses.report.context import Context

ORDER = 100
_KINDS = {
    "methods": "two methods",
    "seeds": "two seeds",
    "languages": "two test languages",
    "emotions": "two emotions",
    "language_sets": "two models, trained on different languages",
    "tasks": "emotion task and language task",
}
_MEASURES = {
    "kendall_tau_b": "Kendall's tau-b",
    "kendall_w": "Kendall's W",
    "rbo": "rank-biased overlap",
    "jaccard": "Jaccard at k",
}
_OVER = {
    "halves": "averages of half the repeats",
    "average": "averages of all repeats (extrapolated)",
    "folds": "folds",
    "seeds": "seeds",
    "orders": "orders of the features",
    "all": "all repeats",
}
_PURPOSE = (
    "A ranking that changes when other speakers are held back, when the network starts from other "
    "random weights, or "
    "when it reads the features in another order, is a ranking of chance."
)


def section(context: Context) -> Section:
    """Return the section."""
    title, anchor = "How steady the rankings are", "stability"
    found = context.table("stability", language_set=context.language_set)
    if found is None or found.empty:
        return absent(context, title, anchor, "stability", _PURPOSE)
    main = found[found["index"] == "nogueira"]
    at = main[main["value"].notna()].copy()
    shown = at.assign(
        method=[words.method(str(name)) for name in at["method"]],
        level=[words.LEVELS.get(str(name), str(name)) for name in at["level"]],
        over=[_OVER.get(str(name), str(name)) for name in at["over"]],
        value=[words.with_interval(*row) for row in at[["value", "low", "high"]].itertuples(index=False)],
    ).sort_values(["level", "k", "over", "method"], kind="stable")
    columns = {
        "level": "level",
        "k": "k",
        "over": "repeats are",
        "repeats": "how many",
        "method": "ranking",
        "value": "stability [95 %]",
    }
    blocks: list[Block] = [
        Paragraph(_PURPOSE, lead=True),
        Paragraph(
            "Nogueira's index compares the first k places of all repeats: 1 if always the same "
            "features are chosen, 0 if each "
            "repeat drew them at random; above .75 is excellent, below .40 poor. A single repeat is one "
            "network. The rankings of this report are averages over all networks, and steadier: that is what the two "
            "halves of the repeats say, each averaged by itself. The repeats share most of their training speech, so "
            "that it says how steady a ranking is under another split of these recordings, not how it would come out "
            "with other speakers."
        ),
        *drawn.stability(context, at),
        Table(
            "stability",
            "Stability of the first places (Nogueira's index)",
            found,
            columns,
            shown=shown,
            rows=120,
            folded=len(at) > 15,
            latex=True,
        ),
        *_agreement(context),
    ]
    return Section(title, anchor, blocks)


def _agreement(context: Context) -> list[Block]:
    found = context.table("agreement", level="feature", language_set=[context.language_set, ""])
    if found is None or found.empty:
        return []
    found = found[found["method"].isin([context.main_method, "attention", ""])]
    shown = found.assign(
        kind=[_KINDS.get(str(name), str(name)) for name in found["kind"]],
        pair=[_pair(context, str(row["kind"]), str(row["a"]), str(row["b"])) for _, row in found.iterrows()],
        measure=[_MEASURES.get(str(name), str(name)) for name in found["measure"]],
        method=[words.method(str(name)) if name else "" for name in found["method"]],
        value=[words.with_interval(*row) for row in found[["value", "low", "high"]].itertuples(index=False)],
    )
    columns = {
        "kind": "what is compared",
        "pair": "which",
        "method": "ranking",
        "measure": "measure",
        "k": "k",
        "value": "agreement",
        "chance": "by chance",
        "p_value": "P",
    }
    note = (
        "Rankings of the same model share its luck: agreement between two methods shows that they see "
        "the same in it, not that it is true."
    )
    return [
        *drawn.agreement(context, found),
        Table(
            "agreement",
            "Agreement between rankings of features",
            found,
            columns,
            shown=shown,
            rows=150,
            folded=True,
            note=note,
        ),
    ]


def _pair(context: Context, kind: str, a: str, b: str) -> str:
    if not a and not b:
        return "all together"
    naming = {
        "methods": words.method,
        "languages": words.language,
        "language_sets": context.set_words,
    }.get(kind, str)
    return f"{naming(a)} – {naming(b)}" if b else naming(a)

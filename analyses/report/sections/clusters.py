"""Whether emotions form clusters in the shared representation of a multitask network, beside its single-task twin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyses.clusters import CLUSTERS, CORPUS, EMOTION, LABELS, MAP, WITHIN, embedding_jobs
from analyses.report import words
from analyses.report.absent import absent
from analyses.report.blocks import Block, Figure, Fold, Notice, Paragraph, Points, Section, Table
from analyses.report.context import Context

if TYPE_CHECKING:
    import pandas as pd

ORDER = 97
_TITLE, _ANCHOR = "Clusters in the shared representation", "clusters"
_PURPOSE = (
    "A multitask network passes every utterance through one representation that all its tasks share. If the auxiliary "
    "tasks help, utterances of one emotion should lie closer together there than in the same network trained on "
    "emotion alone, whatever corpus they are from."
)
_LIMITS = (
    "The figures below are measured in the whole representation; the maps are an illustration. A map in two dimensions "
    "(t-SNE) can show clusters that are not there, tear apart what belongs together, and looks different for every "
    "network, so that two maps cannot be compared point by point. Clusters by corpus may be microphones and rooms."
)
_READ = (
    "Silhouette: 1 where every utterance lies among its like, 0 where groups overlap, below 0 where others are nearer. "
    "Neighbours: the share of an utterance's 10 nearest that have its emotion, of other speakers only (for corpora: of "
    "all utterances), beside what chance gives. Every class counts alike; the spread is over folds. The "
    "twin is the same network trained on emotion alone (for the autoencoder: without reconstruction and prior). The "
    "difference from it is on the same utterances, with a 95 % interval by bootstrap over speakers."
)
_LABELS = {EMOTION: "emotion", WITHIN: "emotion, within each corpus", CORPUS: "corpus"}
_PLACES = {label: place for place, label in enumerate(LABELS)}


def section(context: Context) -> Section | None:
    """Return the section; None where no model has a shared representation."""
    if not embedding_jobs(context.run):
        return None
    quality, points = context.table(CLUSTERS), context.table(MAP)
    if quality is None or quality.empty:
        return absent(context, _TITLE, _ANCHOR, CLUSTERS, _PURPOSE)
    blocks: list[Block] = [Paragraph(_PURPOSE, lead=True)]
    if told := _told(quality):
        blocks.append(Points(told))
    blocks += [_table(quality), Paragraph(_READ), Notice(_LIMITS)]
    if points is not None:
        blocks += _maps(points, quality)
    return Section(_TITLE, _ANCHOR, blocks)


def _told(quality: pd.DataFrame) -> list[str]:
    """Say for each model with a twin whether its emotional clusters are clearer."""
    said = []
    rows = quality[(quality["label"] == EMOTION) & (quality["measure"] == "neighbours")]
    for row in rows.dropna(subset=["difference"]).to_dict("records"):
        low, high, difference = (float(row[name]) for name in ("low", "high", "difference"))
        if low != low:
            verdict = "there are too few speakers to say more"
        elif low > 0:
            verdict = "its emotional clusters are clearer"
        elif high < 0:
            verdict = "its emotional clusters are less clear"
        else:
            verdict = "the two cannot be told apart"
        said.append(
            f"{words.model(str(row['model']))}: {100 * float(row['value']):.0f} % of an utterance's neighbours have "
            f"its emotion ({100 * float(row['chance']):.0f} % by chance); against its twin "
            f"{words.with_interval(difference, low, high)}: {verdict}."
        )
    return said


def _table(quality: pd.DataFrame) -> Table:
    """Return a row per model and label; a twin stands beside its model, and by itself only without one."""
    shown = quality[~quality["model"].isin(set(quality["twin"].dropna()))]
    neighbours, silhouette = (_written(shown, measured) for measured in ("neighbours", "silhouette"))
    wide = neighbours.join(silhouette, how="outer").fillna(words.NONE).reset_index()
    order = {name: place for place, name in enumerate(dict.fromkeys(quality["model"]))}
    wide = wide.sort_values(
        ["model", "label"], key=lambda names: names.map(order | _PLACES), ignore_index=True
    )
    wide["label"] = [_LABELS.get(str(name), str(name)) for name in wide["label"]]
    wide["model"] = [words.model(str(name)) for name in wide["model"].mask(wide["model"].duplicated(), "")]
    columns = {
        "model": "model",
        "label": "clusters by",
        "neighbours_own": "neighbours alike (± over folds)",
        "neighbours_by_chance": "by chance",
        "neighbours_alone": "of its twin",
        "neighbours_apart": "difference",
        "silhouette_own": "silhouette (± over folds)",
        "silhouette_alone": "of its twin",
        "silhouette_apart": "difference",
    }
    note = f"{int(quality['utterances'].max()):,} utterances of {int(quality['speakers'].max()):,} speakers."
    return Table(
        "clusters",
        "How well the shared representation separates",
        quality,
        columns,
        shown=wide,
        rows=90,
        note=note,
    )


def _written(quality: pd.DataFrame, measured: str) -> pd.DataFrame:
    """Return the texts of one measure: index model and label; its value, chance, its twin's value, the difference."""
    import pandas as pd

    rows = quality[quality["measure"] == measured]
    texts = {
        f"{measured}_own": [_spread(*row) for row in rows[["value", "sd_folds"]].itertuples(index=False)],
        f"{measured}_by_chance": [words.number(value) for value in rows["chance"]],
        f"{measured}_alone": [words.number(value) for value in rows["twin_value"]],
        f"{measured}_apart": [
            words.with_interval(*row) if row[0] == row[0] else words.NONE
            for row in rows[["difference", "low", "high"]].itertuples(index=False)
        ],
    }
    return pd.DataFrame(texts, index=pd.MultiIndex.from_frame(rows[["model", "label"]]))


def _spread(value: float, spread: float) -> str:
    return words.number(value) + (f" ± {words.number(spread)}" if spread == spread else "")


def _maps(points: pd.DataFrame, quality: pd.DataFrame) -> list[Block]:
    """Return the maps: that of the first multitask system and its twin open, the others folded."""
    models = list(dict.fromkeys(points["model"].astype(str)))
    twins = dict(zip(quality["model"].astype(str), quality["twin"].fillna("").astype(str), strict=True))
    first = next((model for model in models if twins.get(model)), models[0]) if models else ""
    opened = [name for name in (first, twins.get(first, "")) if name in models]
    blocks: list[Block] = [_map(points, model) for model in opened]
    others = [_map(points, model) for model in models if model not in opened]
    return [*blocks, Fold("Maps of the other networks", others, printed=False)] if others else blocks


def _map(points: pd.DataFrame, model: str) -> Figure:
    from analyses.figures import clusters as plot

    own = points[points["model"] == model].reset_index(drop=True)
    name = "".join(letter if letter.isalnum() else "-" for letter in model.lower())
    return Figure(
        f"clusters-{name}",
        f"The shared representation of {words.model(model)}, {own['fold'].iloc[0]}",
        plot.how_to_read(),
        plot.figure(own, language=words.language),
        own,
        {"utterance": "utterance", "emotion": "emotion", "language": "language", "x": "x", "y": "y"},
    )

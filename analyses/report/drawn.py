"""The figures of the sections: which numbers go into which of `analyses.figures`, in words instead of tags.

Each function returns a list with the figures, or an empty one where their numbers are missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from analyses.report import words
from analyses.report.blocks import Block, Figure, Fold

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

    from analyses.report.context import Context

_WORTHWHILE = 2
"""So many contours and functionals make a heat map."""
_OPEN = 1
"""So many forest plots are open at first."""
ALL = "all"


def scores(context: Context) -> list[Block]:
    """Draw the score of every system with its interval: the mean over corpora, and each corpus folded."""
    import pandas as pd

    from analyses.figures import scores as plot
    from analyses.report import findings
    from msfl.results import MEAN

    comparison = context.comparison
    if comparison is None or not comparison.rows:
        return []
    frame = pd.DataFrame(comparison.records())
    frame = frame.assign(
        model=[words.model(str(name)) for name in frame["model"]],
        language_set=[context.set_words(str(name)) for name in frame["language_set"]],
    )
    hollow = {words.model(name) for name in findings.baselines(context)}
    made = []
    for group in [MEAN, *[name for name in comparison.columns if name != MEAN]]:
        rows = frame[frame["group"] == group]
        if rows.empty:
            continue
        rows = _told_apart(rows)
        title = (
            "Recognition, mean over the corpora"
            if group == MEAN
            else f"Recognition, {context.group_words(group)}"
        )
        made.append(
            Figure(
                f"scores-{_slug(group)}",
                title,
                plot.how_to_read(),
                plot.figure(rows, baselines=hollow, chance=_chance(context)),
                rows,
                {
                    "language_set": "trained on",
                    "model": "model",
                    "uar": "UAR",
                    "uar_low": "from",
                    "uar_high": "to",
                },
            )
        )
    return _first_open(made)


def _told_apart(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows whose models have different names: an ensemble of the seeds says so."""
    several = rows.duplicated(["language_set", "model"], keep=False)
    named = rows["model"].where(~several, rows["model"] + " (" + rows["seeds"].astype(str) + ")")
    return rows.assign(model=named)


def _chance(context: Context) -> float | None:
    classes = {len(task.classes) for job in context.run.jobs for task in job.tasks if task.name == "emotion"}
    return 1 / classes.pop() if len(classes) == 1 else None


def rank_spread(context: Context) -> list[Block]:
    """Draw the ranks of the leading features over the repeats, by each ranking shown."""
    from analyses.figures import ranking as plot

    made = []
    columns = {
        "rank": "rank",
        "in_words": "feature, in words",
        "name": "name",
        "mean_rank": "mean rank",
        "sd_rank": "spread",
        "min_rank": "best",
        "max_rank": "worst",
        "in_top": "in the top of so many repeats",
    }
    for method in context.both:
        found = context.rankings(method)
        if found is None:
            continue
        count = min(2 * context.top, len(found))
        made.append(
            Figure(
                f"ranks-{_slug(method)}",
                f"The first {count} features by {words.method(method)}, over the repeats",
                plot.how_to_read(),
                plot.figure(found, top=count),
                found.head(count),
                columns,
            )
        )
    return _first_open(made)


def bump(context: Context) -> list[Block]:
    """Draw how the features of the top lists move from each language alone to all languages."""
    import pandas as pd

    from analyses.figures import bump as plot

    method = context.main_method
    lists = _lists(context, method)
    if len(lists) < 2:
        return []
    rows = pd.concat([frame.assign(list=label) for label, frame in lists.items()], ignore_index=True)
    names = list(lists)
    ranks = rows.pivot(index="name", columns="list", values="rank")[names]
    ranks = ranks[(ranks <= context.top).any(axis=1)].sort_values(names[-1])
    data = ranks.rename_axis(columns=None).reset_index()
    labels = rows.drop_duplicates("name").set_index("name")["in_words"]
    data.insert(1, "in_words", data["name"].map(labels))
    return [
        Figure(
            "bump",
            f"From each language alone to all languages, by {words.method(method)}",
            plot.how_to_read(),
            plot.figure(rows, names, by="list", top=context.top),
            data,
        )
    ]


def upset(context: Context) -> list[Block]:
    """Draw which features and contours are in which top lists together."""
    import pandas as pd

    from analyses.figures import upset as plot

    method = context.main_method
    made: list[Block] = []
    for level in ("feature", "contour"):
        found = _lists(context, method, level)
        if len(found) < 2:
            continue
        size = min(len(frame) for frame in found.values())
        top = max(1, min(context.top, size // 2))
        lists = {label: [str(name) for name in frame["name"].head(top)] for label, frame in found.items()}
        labels = {
            str(row["name"]): str(row["in_words"])
            for frame in found.values()
            for row in frame.head(top).to_dict("records")
        }
        data = pd.DataFrame(
            [
                {
                    "name": item,
                    "in_words": text,
                    **{label: "yes" if item in items else "" for label, items in lists.items()},
                }
                for item, text in labels.items()
            ]
        )
        plural = words.LEVELS[level]
        made.append(
            Figure(
                f"upset-{level}",
                f"Which of the first {top} {plural} the lists share, by {words.method(method)}",
                plot.how_to_read(),
                plot.figure(lists, words=labels, items=size, what=plural),
                data,
            )
        )
    return made


def families(context: Context) -> list[Block]:
    """Draw the weight of every family: in models of one language, and of all on the speech of each."""
    from analyses.figures import heat_map as plot
    from analyses.report.sections.families import by_language

    method = context.main_method
    frame = by_language(context, method)
    if frame.empty:
        return []
    frame = frame.assign(column=[context.set_words(str(name)) for name in frame["language_set"]])
    made = [
        _heat(
            "families-models", f"Families by what the model was trained on, by {words.method(method)}", frame
        )
    ]
    parts = context.table(
        f"rankings/{method}",
        task="emotion",
        language_set=context.language_set,
        part_kind="language",
        level="family",
    )
    if parts is not None and len(parts):
        wide = plot.family_by_language(parts).rename(columns=words.language)
        title = f"Families in the model of all languages, by the language it listens to, by {words.method(method)}"
        made.append(
            Figure("families-languages", title, plot.how_to_read(), plot.figure(wide), wide.reset_index())
        )
    return list(made)


def emotions(context: Context) -> list[Block]:
    """Draw the weight of every family for every emotion."""
    method = context.main_method
    found = context.table(
        f"rankings/{method}",
        task="emotion",
        language_set=context.language_set,
        part_kind="emotion",
        level="family",
    )
    if found is None or found.empty:
        return []
    frame = found.assign(column=found["part"])
    return [_heat("families-emotions", f"Families for each emotion, by {words.method(method)}", frame)]


def _heat(name: str, title: str, frame: pd.DataFrame) -> Figure:
    """Draw families (rows) x `column`."""
    from analyses.figures import heat_map as plot
    from msfl.features.lexicon import FAMILIES, OTHER

    wide = frame.pivot(index="name", columns="column", values="lift")[list(dict.fromkeys(frame["column"]))]
    order = [family for family in (*FAMILIES, OTHER) if family in wide.index]
    wide = wide.reindex([*order, *[family for family in wide.index if family not in order]])
    data = wide.rename_axis(columns=None).rename_axis("family").reset_index()
    return Figure(name, title, plot.how_to_read(), plot.figure(wide), data)


def contour_functional(context: Context) -> list[Block]:
    """Draw which contour matters by which functional."""
    from analyses.figures import heat_map as plot

    method = context.main_method
    ranking = context.rankings(method)
    if ranking is None:
        return []
    feature_set = context.run.manifest.features.set
    # the importance of the consensus is no share of anything: its lift is what can be averaged
    weights = ranking.assign(importance=ranking["lift"] * ranking["share"])
    wide = plot.contour_by_functional(weights, feature_set)
    if min(wide.shape) < _WORTHWHILE:
        return []
    drawn = plot.figure(
        wide,
        families=plot.contour_families(ranking["name"], feature_set),
        words=plot.functional_words(ranking["name"], feature_set),
    )
    title = f"Which statistic of which contour, by {words.method(method)}"
    data = wide.rename_axis(columns=None).reset_index()
    return [Figure("contour-functional", title, plot.how_to_read(), drawn, data)]


def forests(context: Context, effects: pd.DataFrame, leaders: list[str]) -> list[Block]:
    """Draw the effects of each leading feature, by emotion and language; the first open, the rest folded."""
    made = []
    for number, name in enumerate(leaders, start=1):
        part = effects[effects["name"] == name]
        if len(part):
            made.append(_forest(context, number, name, part))
    return _first_open(made)


def _forest(context: Context, number: int, name: str, part: pd.DataFrame) -> Figure:
    from analyses.figures import forest as plot
    from msfl.features.grammar import parse_or_unknown

    feature = parse_or_unknown(name, context.run.manifest.features.set)
    title = f"{feature.description} ({name})" if feature.description != name else name
    about = f" The feature asks: {feature.question}" if feature.question else ""
    named = _tags(part["language"])
    data = part.assign(language=[named.get(str(tag), "all languages") for tag in part["language"]])
    columns = {
        "emotion": "emotion",
        "language": "language",
        "hedges_g": "Hedges' g",
        "low": "from",
        "high": "to",
        "n": "utterances",
        "speakers": "speakers",
    }
    return Figure(
        f"forest-{number:02d}",
        f"{title[0].upper()}{title[1:]}",
        plot.how_to_read() + about,
        _renamed(plot.figure(part), named),
        data,
        columns,
    )


def stability(context: Context, frame: pd.DataFrame) -> list[Block]:
    """Draw how steady the first features and families are."""
    from analyses.figures import stability as plot

    made = []
    for level in ("feature", "contour", "functional", "family"):
        part = frame[frame["level"] == level]
        if part.empty:
            continue
        k = int(min(part["k"], key=lambda one: abs(one - context.top)))
        rows = part[part["k"] == k]
        made.append(
            Figure(
                f"stability-{level}",
                f"Stability of the first {k} {words.LEVELS[level]}",
                plot.how_to_read(),
                _renamed(plot.figure(rows), _methods(rows["method"])),
                rows.assign(method=[words.method(str(name)) for name in rows["method"]]),
                {
                    "method": "ranking",
                    "over": "repeats are",
                    "value": "stability",
                    "low": "from",
                    "high": "to",
                    "repeats": "repeats",
                },
            )
        )
    return _first_open(made)


def agreement(context: Context, frame: pd.DataFrame) -> list[Block]:
    """Draw how far the methods, and the models of different languages, agree, pair by pair."""
    from analyses.figures import agreement as plot

    made: list[Block] = []
    titles = {
        "methods": "How far the methods put the features into the same order",
        "language_sets": f"How far models of different languages do, by {words.method(context.main_method)}",
    }
    for kind, title in titles.items():
        rows = frame[(frame["kind"] == kind) & (frame["measure"] == "kendall_tau_b") & (frame["b"] != "")]
        if kind == "methods":
            rows = rows[rows["language_set"] == context.language_set]
        else:
            rows = rows[rows["method"] == context.main_method]
        if rows.empty:
            continue
        naming = words.method if kind == "methods" else context.set_words
        rows = rows.assign(
            a=[naming(str(one)) for one in rows["a"]], b=[naming(str(one)) for one in rows["b"]]
        )
        columns = {
            "a": "ranking",
            "b": "ranking",
            "value": "tau-b",
            "low": "from",
            "high": "to",
            "chance": "by chance",
        }
        figure = Figure(
            f"agreement-{_slug(kind)}", title, plot.how_to_read(), plot.figure(rows), rows.assign(), columns
        )
        made.append(figure)
    return made


def curves(context: Context) -> list[Block]:
    """Draw what removing or keeping the leaders does to the recognition, beside random rankings, for each model."""
    from analyses.figures import curves as plot

    found = context.table("curves", language_set=context.language_set, level="feature")
    if found is None or found.empty:
        return []
    made: list[Block] = []
    tests = {"deletion", "insertion", "roar"}
    for model, rows in found[found["test"].isin(tests)].groupby("model", sort=False):
        named = _methods(rows["method"])
        made.append(
            Figure(
                f"curves-{_slug(str(model))}",
                f"What is recognised without the leading features, and with them alone ({words.model(str(model))})",
                plot.how_to_read(),
                _renamed(plot.figure(rows), named),
                rows.assign(method=[words.method(str(name)) for name in rows["method"]]),
                {
                    "test": "test",
                    "method": "ranking",
                    "share": "share of the features",
                    "value": "UAR",
                    "low": "from",
                    "high": "to",
                },
            )
        )
    return made


def _lists(context: Context, method: str, level: str = "feature") -> dict[str, pd.DataFrame]:
    """Return the lists of each language alone and, last, of all languages: words -> ranking."""
    found = {}
    for name in [*context.alone.values(), context.language_set]:
        ranking = context.rankings(method, language_set=name, level=level)
        if ranking is not None:
            found[context.set_words(name)] = ranking
    return found


def _first_open(figures: list[Figure]) -> list[Block]:
    """Return the first figure as it is, and the others folded under their titles."""
    return [*figures[:_OPEN], *(Fold(one.title, [one]) for one in figures[_OPEN:])]


def _methods(names: pd.Series[str]) -> dict[str, str]:
    return {str(name): words.method(str(name)) for name in names.unique()}


def _tags(names: pd.Series[str]) -> dict[str, str]:
    return {str(name): words.language(str(name)) for name in names.unique() if name != ALL}


def _renamed(drawn: go.Figure, names: Mapping[str, str]) -> go.Figure:
    """Return the figure with words instead of tags in its legend and beside its axes; colours stay."""
    from analyses.figures.layout import plain

    said = {plain(tag): plain(text) for tag, text in names.items()}
    for trace in drawn.data:
        if trace.name in said:
            trace.name = said[trace.name]
    for axis in [*drawn.select_xaxes(), *drawn.select_yaxes()]:
        if axis.ticktext is not None:
            axis.ticktext = [said.get(text, text) for text in axis.ticktext]
    return drawn


def _slug(text: Any) -> str:
    from analyses.report.files import slug

    return slug(str(text))

"""The steps of ``msfl explain``, in their order.

The modules that compute are imported when their step begins: a missing one costs its own tables only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pandas as pd

from analyses.explain import Context, Settings, Step
from analyses.explain_choices import LINEAR, PARAMETERS, reads_features, utterances_of, with_weights
from analyses.explanations import CONSENSUS
from msfl.errors import DataError

if TYPE_CHECKING:
    from msfl.runs import Run

REVISIONS: Mapping[str, int] = {
    "rankings": 2,
    "consensus": 3,
    "stability": 3,
    "faithfulness": 2,
    "sanity": 2,
    "confound": 2,
    "verdicts": 2,
}
"""Raised when a step computes something else than it did, so that folders of an earlier version are brought up to date;
by the name of the step up to its slash. Attributions have the fingerprints of their own files."""


def steps_of(run: Run, settings: Settings) -> list[Step]:
    """Return the steps for this run, in the order in which they are done."""
    steps = [step for name in settings.methods for step in _method_steps(name, settings)]
    ranked = tuple(f"rankings/{name}" for name in settings.methods)
    steps.append(
        Step(
            "statistics",
            "Effect sizes and tests, without any model",
            ("effects", "tests", "directions"),
            lambda context: import_module("analyses.statistics").tables(
                context.run, seed=context.settings.seed
            ),
            depends=("seed",),
        )
    )
    steps.append(_clusters_step(run))
    steps.append(
        Step(
            CONSENSUS,
            "The consensus of the methods",
            (f"rankings/{CONSENSUS}", f"repeats/{CONSENSUS}"),
            _consensus,
            needs=ranked,
            depends=("methods", "top"),
        )
    )
    lists = (*ranked, CONSENSUS)
    steps.append(
        Step(
            "shared",
            "Shared features and overlaps",
            ("shared", "overlaps"),
            _shared,
            needs=(*lists, "statistics"),
            depends=("methods", "top"),
        )
    )
    return [_revised(step) for step in (*steps, *_tests(run, settings, lists))]


def _clusters_step(run: Run) -> Step:
    from analyses.clusters import CLUSTERS, MAP, embedding_jobs, tables

    return Step(
        CLUSTERS,
        "Clusters in shared representations",
        (CLUSTERS, MAP),
        lambda context: tables(context.run, told=context.told),
        left_out="" if embedding_jobs(run) else "No model of this run keeps a shared representation.",
    )


def _revised(step: Step) -> Step:
    number = REVISIONS.get(step.name.partition("/")[0])
    return step if number is None else replace(step, inputs={**step.inputs, "revision": str(number)})


def _method_steps(method: str, settings: Settings) -> list[Step]:
    absent = ""
    if settings.methods[method] and not reads_features(settings.methods[method]):
        absent = (
            f"The model '{settings.methods[method]}' reads sound frame by frame and no features, so there are none to "
            "rank: choose another with --model."
        )
    if not settings.methods[method]:
        absent = (
            f"The method '{method}' explains a linear baseline, and this run has none: add linear-svm to the "
            "models of the experiment."
        )
    return [
        Step(
            f"cells/{method}",
            f"Attributions: {method}",
            (f"cells/{method}",),
            lambda context: _cells(context, method),
            depends=("seed",),
            inputs={
                "model": settings.methods[method],
                "utterances": str(utterances_of(method, settings)),
                "parameters": str(PARAMETERS.get(method, "")),
            },
            left_out=absent,
            own_bar=True,
        ),
        Step(
            f"rankings/{method}",
            f"Rankings: {method}",
            (f"rankings/{method}", f"repeats/{method}"),
            lambda context: _rankings(context, method),
            needs=(f"cells/{method}",),
            depends=("top",),
            left_out=absent,
        ),
    ]


def _tests(run: Run, settings: Settings, lists: tuple[str, ...]) -> list[Step]:
    """Return the steps that hold the rankings against something."""
    orders = (
        "" if settings.orders else "Not asked for: `msfl explain RUN --orders 5` retrains on other orders."
    )
    after = (*lists, "orders")
    return [
        Step(
            "orders",
            "Other orders of the features",
            (),
            _orders,
            needs=("cells/attention",),
            depends=("orders", "seed"),
            left_out=orders,
        ),
        _simple("stability", "How steady the rankings are", needs=after, depends=("orders",)),
        _simple("agreement", "Where methods and languages agree", needs=after),
        _simple("confound", "The language confound", needs=lists),
        _simple(
            "planted",
            "Against what was planted",
            needs=lists,
            left_out=""
            if run.manifest.data.synthetic
            else "Nothing was planted: this is no synthetic corpus.",
        ),
        Step(
            "faithfulness",
            "Whether the rankings are faithful",
            ("faithfulness", "curves"),
            _faithfulness,
            needs=lists,
            depends=("effort", "seed"),
        ),
        Step(
            "sanity",
            "Whether the methods look at the model at all",
            ("sanity",),
            _sanity,
            needs=lists,
            depends=("effort", "seed"),
        ),
        _simple(
            "verdicts",
            "How far to trust them",
            needs=(*lists, "stability", "faithfulness", "sanity", "confound"),
        ),
    ]


def _simple(
    name: str, title: str, *, needs: tuple[str, ...], depends: tuple[str, ...] = (), left_out: str = ""
) -> Step:
    """Return a step whose module has ``table(found, run)``."""

    def compute(context: Context) -> Mapping[str, pd.DataFrame]:
        return {name: import_module(f"analyses.{name}").table(context.found, context.run)}

    return Step(name, title, (name,), compute, needs=needs, depends=depends, left_out=left_out)


def _cells(context: Context, method: str) -> Mapping[str, pd.DataFrame]:
    from analyses import attributions

    run, settings = context.run, context.settings
    model = settings.methods[method]
    done = attributions.compute(
        run,
        method,
        jobs=with_weights(run)[model],
        utterances_per_language=utterances_of(method, settings),
        progress=context.progress,
        seed=settings.seed,
        parameters=PARAMETERS.get(method),
        workers=settings.jobs,
    )
    for reason in done.failed.values():
        context.say(reason)
    if not done.done and not done.skipped:
        raise DataError(next(iter(done.failed.values())))
    cells = attributions.cells(run, method)
    return {f"cells/{method}": cells[cells["model"] == model]}


def _rankings(context: Context, method: str) -> Mapping[str, pd.DataFrame]:
    from analyses.ranking_tables import tables

    rankings, repeats = tables(
        context.found.cells(method),
        method=method,
        top=context.settings.top,
        feature_set=context.run.manifest.features.set,
        features=context.run.feature_names,
    )
    return {f"rankings/{method}": rankings, f"repeats/{method}": repeats}


def _ranked(context: Context, kind: str) -> dict[str, pd.DataFrame]:
    """Return the tables of the methods that have them."""
    names = {method: f"{kind}/{method}" for method in context.settings.methods}
    return {method: context.found.table(name) for method, name in names.items() if context.found.has(name)}


def _consensus(context: Context) -> Mapping[str, pd.DataFrame]:
    from analyses.consensus import METHODS, consensus

    def entering(kind: str) -> dict[str, pd.DataFrame]:
        return {name: table for name, table in _ranked(context, kind).items() if name in METHODS}

    rankings, repeats = consensus(entering("rankings"), entering("repeats"), top=context.settings.top)
    return {f"rankings/{CONSENSUS}": rankings, f"repeats/{CONSENSUS}": repeats}


def _shared(context: Context) -> Mapping[str, pd.DataFrame]:
    from analyses.shared_tables import lists_of, overlap_rows, shared_rows

    found, run = context.found, context.run
    directions = found.table("directions") if found.has("directions") else None
    methods = [name for name in (*context.settings.methods, CONSENSUS) if found.has(f"rankings/{name}")]
    shared, overlaps = [], []
    for number, method in enumerate(methods):
        signs = _signs(context, method)
        rankings = found.table(f"rankings/{method}", task="emotion")
        for lists in lists_of(rankings, run.manifest.language_sets, top=context.settings.top):
            signed = signs(lists.place, lists.alone) if directions is None or _group(lists.place) else None
            shared.append(shared_rows(lists, directions=directions, signed=signed))
            overlaps.append(overlap_rows(lists, run.feature_names, run.manifest.features.set))
        context.told((number + 1) / len(methods))
    return {"shared": _stacked(shared), "overlaps": _stacked(overlaps)}


def _group(place: Mapping[str, str]) -> bool:
    return place["level"] != "feature"


def _stacked(pieces: list[pd.DataFrame]) -> pd.DataFrame:
    full = [piece for piece in pieces if len(piece)]
    return pd.concat(full, ignore_index=True) if full else pd.DataFrame()


def _signs(
    context: Context, method: str
) -> Callable[[Mapping[str, str], Mapping[str, Any]], dict[str, pd.DataFrame]]:
    """Return a function from a part and languages to the signed values of the repeats of each language.

    The consensus has no sign of its own; it takes that of the first method that has one.
    """
    from analyses.rankings import rank

    run, found = context.run, context.found
    candidates = (method,) if method != CONSENSUS else ("shap", "owen", LINEAR)
    available = [name for name in candidates if found.has(f"cells/{name}")]
    cells = next(
        (
            levels["feature"]
            for name in available
            if (levels := found.cells(name).get("emotion", {})).get("feature") is not None
        ),
        None,
    )
    sets = {
        languages[0]: name for name, languages in run.manifest.language_sets.items() if len(languages) == 1
    }

    def signed(place: Mapping[str, str], alone: Mapping[str, Any]) -> dict[str, pd.DataFrame]:
        if cells is None or cells.signed is None or len(alone) < 2:
            return {}
        tables = {}
        for language in alone:
            part = {place["part_kind"]: place["part"]} if place["part_kind"] else {}
            chosen = cells.select(language_set=sets[language], **part)
            if not len(chosen.means):
                return {}
            ranking = rank(chosen, level=place["level"], feature_set=run.manifest.features.set)
            assert ranking.signed is not None  # its cells have signs
            tables[language] = ranking.signed
        return tables

    return signed


def _orders(context: Context) -> Mapping[str, pd.DataFrame]:
    module: Any = import_module("analyses.orders")
    settings = context.settings
    found: Mapping[str, pd.DataFrame] = module.tables(
        context.found,
        context.run,
        orders=settings.orders,
        seed=settings.seed,
        jobs=settings.jobs,
        progress=context.told,
    )
    return found


def _faithfulness(context: Context) -> Mapping[str, pd.DataFrame]:
    module: Any = import_module("analyses.faithfulness")
    values, curves = module.tables(context.found, context.run, **_slowly(context))
    return {"faithfulness": values, "curves": curves}


def _sanity(context: Context) -> Mapping[str, pd.DataFrame]:
    module: Any = import_module("analyses.sanity")
    return {"sanity": module.table(context.found, context.run, **_slowly(context))}


def _slowly(context: Context) -> dict[str, Any]:
    """Return what the slow tests are told."""
    settings = context.settings
    return {
        "effort": settings.effort,
        "jobs": settings.jobs,
        "seed": settings.seed,
        "progress": context.told,
    }

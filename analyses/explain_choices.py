"""What ``msfl explain`` is about: which models, methods and utterances of a run, and what its reader must know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from analyses.explain import Effort, Settings, check
from analyses.explanations import CONSENSUS, METHOD_NAME
from msfl.errors import DataError, UsageError, nearest

if TYPE_CHECKING:
    from msfl.manifest import JobRecord
    from msfl.runs import Run

PREFERRED = "msfl"
LINEAR = "linear"
EXACT = ("attention", LINEAR)
"""Methods that cost nothing: they explain all test utterances."""
UTTERANCES: Mapping[str, Mapping[str, int]] = {
    "quick": {"shap": 10, "owen": 5, "permutation": 10},
    "full": {"shap": 40, "owen": 20, "permutation": 40},
}
"""Utterances of each language, over all folds, that a slow method explains for each language set and seed."""
PARAMETERS: Mapping[str, Mapping[str, Any]] = {"shap": {"most": 8}}
"""Rankings average over utterances, and the sampling error of single values with them: more utterances with fewer
draws each are worth more."""


def settings_of(
    run: Run,
    *,
    methods: Sequence[str] | None,
    model: str | None,
    effort: Effort,
    orders: int,
    utterances: int | None,
    top: int,
    seed: int,
    jobs: int | None,
) -> Settings:
    """Check what a user chose, and fill in the rest.

    Raises:
        DataError: No job of the run has a trained model that can be loaded here.
        UsageError: A method, model or number is not possible.
    """
    from msfl.execution import worker_count

    check(run, top, "--top")
    check(run, utterances, "--utterances")
    if orders < 0:
        raise UsageError(f"--orders {orders} is not possible: it is 0, or a number of further orders.")
    chosen = _main_model(run, model)
    return Settings(
        effort=effort,
        methods={name: _model_of(run, name, chosen) for name in _methods(methods)},
        orders=orders,
        utterances=utterances,
        top=top,
        seed=seed,
        jobs=worker_count(jobs),
    )


def _methods(wanted: Sequence[str] | None) -> tuple[str, ...]:
    """Return the methods, checked against those that are known here."""
    from analyses.attributions import explainers

    known = list(explainers())
    names = tuple(dict.fromkeys(wanted or known))
    for name in names:
        if name not in known:
            raise UsageError(f"There is no method '{name}'.{nearest(name, known)} Known: {', '.join(known)}.")
        if not METHOD_NAME.fullmatch(name) or name == CONSENSUS:
            raise UsageError(
                f"The method '{name}' cannot be used: its package must give it a name of small letters, digits, "
                f"_ and -, other than '{CONSENSUS}'."
            )
    return names


def with_weights(run: Run) -> dict[str, list[JobRecord]]:
    """Return the finished jobs that kept a trained model: model -> jobs."""
    found: dict[str, list[JobRecord]] = {}
    for job in run.jobs:
        if job.status == "done" and (run.job_folder(job.id) / "model").is_dir():
            found.setdefault(job.model, []).append(job)
    return found


def _main_model(run: Run, wanted: str | None) -> str:
    """Return the model that is explained.

    Raises:
        DataError: There is none with weights, or none that is known here.
        UsageError: The one that is wanted is not there.
    """
    from msfl.models.registry import is_baseline, registry

    there = list(with_weights(run))
    if not there:
        raise DataError(
            f"{run.path} has no trained models: their jobs failed, or the folder was copied without jobs/. Repeat "
            "the `msfl train` that made it, or copy it again."
        )
    known = [name for name in there if name in registry()]
    if not known:
        raise DataError(
            f"The models of {run.path} ({', '.join(there)}) were trained with a package that is not installed "
            "here: install it, and repeat."
        )
    if wanted is not None:
        if wanted not in known:
            raise UsageError(
                f"{run.path} has no trained model '{wanted}'.{nearest(wanted, known)} There are "
                f"{', '.join(known)}."
            )
        return wanted
    if PREFERRED in known:
        return PREFERRED
    readers = [name for name in known if reads_features(name)] or known
    return next((name for name in readers if not is_baseline(name)), readers[0])


def reads_features(model: str) -> bool:
    """Whether a model reads the features of an utterance, and nothing else."""
    from msfl.models.registry import inputs_of

    return inputs_of(model) == ("features",)


def _model_of(run: Run, method: str, chosen: str) -> str:
    """Return the model that a method explains: the linear baseline for `linear`, the chosen one for the others."""
    if method != LINEAR:
        return chosen
    from analyses.attributions.linear import MODELS

    there = with_weights(run)
    return next((name for name in MODELS if name in there), "")


def utterances_of(method: str, settings: Settings) -> int | None:
    """Return how many utterances of each language a method explains; None for what it is fast enough for."""
    if method in EXACT:
        return None
    return settings.utterances or UTTERANCES[settings.effort].get(method)


def notes_of(run: Run, settings: Settings) -> tuple[str, ...]:
    """Return what the reader of these explanations must know about this run."""
    notes = []
    manifest = run.manifest
    models = set(settings.methods.values())
    jobs = [job for job in run.jobs if job.status == "done" and job.model in models]
    sets = {name: set(manifest.language_sets.get(name, ())) for name in {job.language_set for job in jobs}}
    if all(len(languages) == 1 for languages in sets.values()):
        notes.append(
            "Every model has heard one language only, so there is no sharing between languages to speak of: the "
            "rankings are those of single languages. Train on a set of several languages to find shared features."
        )
    elif not any(len(languages) == 1 for languages in sets.values()):
        notes.append(
            "There are no monolingual models to compare with: add the monolingual language sets to the "
            'experiment (language_sets = "monolingual+all") to find shared features.'
        )
    by_fold = {(job.language_set, job.fold): job.test for job in jobs}  # the same utterances for every seed
    tested = {name: sum(count for (one, _), count in by_fold.items() if one == name) for name in sets}
    few = {name: count for name, count in sorted(tested.items()) if count < settings.top}
    if few:
        listed = ", ".join(f"{name} ({count})" for name, count in few.items())
        notes.append(
            f"Fewer test utterances than the {settings.top} places of a top list: {listed}. These rankings rest "
            "on too little speech to mean anything."
        )
    if len({(job.fold, job.seed) for job in jobs}) < 2:
        notes.append(
            "There is a single fold and seed: nothing can be said about how steady the rankings are."
        )
    if unknown := _unknown_features(run):
        notes.append(
            f"{unknown} of {len(run.feature_names)} features have names that are not openSMILE's: they are listed "
            "under their own names, in the family 'other'."
        )
    if others := _read_no_features(run):
        notes.append(
            f"Not explained: {', '.join(others)}. They read sound frame by frame, not features; their scores, and "
            "their attention over time where they have one, stand in the report."
        )
    if settings.effort == "quick":
        notes.append("A quick look: few utterances and random rankings; repeat without --quick for results.")
    return tuple(notes)


def _read_no_features(run: Run) -> list[str]:
    from msfl.models.registry import registry

    return [name for name in with_weights(run) if name in registry() and not reads_features(name)]


def _unknown_features(run: Run) -> int:
    from msfl.features.grammar import parse_or_unknown
    from msfl.features.lexicon import OTHER

    return sum(
        parse_or_unknown(name, run.manifest.features.set).family == OTHER for name in run.feature_names
    )

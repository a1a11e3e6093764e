"""New recordings through a model, in a process of its own: ``python -m dashboard.worker FOLDER``.

What strangers upload is decoded here and nowhere else: the server only moves bytes. The folder holds ``request.json``;
``status.json`` tells how far the work is, ``result.json`` what came out.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from msfl.errors import DataError, MsflError
from msfl.runs import Run

if TYPE_CHECKING:
    import pandas as pd

    from analyses.attributions import Attribution
    from msfl.manifest import JobRecord
    from msfl.predict import Predicted

LONGEST = 60.0
"""Seconds of a recording."""
TOP = 12
"""So many features are told for each recording."""
ROUNDS = 8
"""Rounds of expected gradients at most: a quarter of what `msfl explain` allows itself, as somebody waits."""
LINEAR = ("linear-svm", "logistic-regression")
Tell = Callable[[str, float], None]


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Upload(_Document):
    """A recording as the server has put it down.

    Attributes:
        file: Its name in the folder, given by the server.
        name: Its name at the reader's.
    """

    file: str
    name: str


class Request(_Document):
    """``request.json``: what is wanted.

    Attributes:
        run: The run folder.
        model, language_set: Which models of it.
        one_speaker: Whether all recordings are by one speaker.
        uploads: The recordings; their files lie in ``recordings``.
        recordings: Folder of the recordings.
    """

    run: str
    model: str
    language_set: str
    one_speaker: bool
    recordings: str
    uploads: tuple[Upload, ...]


class Part(_Document):
    """A feature or a family and what it adds to the answer."""

    name: str
    value: float


class Answer(_Document):
    """What the models say about one recording.

    Attributes:
        name: The recording.
        seconds: Its length.
        probabilities: Task -> class -> probability, averaged over the models.
        attention: Features with the most attention.
        families, features: What speaks for (+) and against (-) the emotion that was predicted.
        problem: Why there is no answer.
    """

    name: str
    seconds: float = 0.0
    probabilities: dict[str, dict[str, float]] = {}
    attention: tuple[Part, ...] = ()
    families: tuple[Part, ...] = ()
    features: tuple[Part, ...] = ()
    problem: str = ""


class Result(_Document):
    """``result.json``.

    Attributes:
        members: Number of models that were averaged.
        normalisation: What was done to the features.
        method: Method of the explanation; empty where there is none.
        explained: Job whose model was explained.
        unit: ``probability`` or ``margin``: what the explanation adds up to.
    """

    members: int
    normalisation: str
    method: str = ""
    explained: str = ""
    unit: str = "probability"
    answers: tuple[Answer, ...]


class Status(_Document):
    """``status.json``: how far the work is.

    Attributes:
        step: ``waiting``, ``reading``, ``predicting``, ``explaining``, ``done`` or ``failed``.
        share: Share of the step, 0 to 1.
        sentence: Why it failed, where that is known.
    """

    step: str = "waiting"
    share: float = 0.0
    sentence: str = ""


def work(folder: Path) -> None:
    """Do what the folder asks for, and leave the result or the reason in it."""
    from msfl.atomic import write_json

    def tell(step: str, share: float, sentence: str = "") -> None:
        write_json(folder / "status.json", Status(step=step, share=share, sentence=sentence).model_dump())

    try:
        request = Request.model_validate_json((folder / "request.json").read_text(encoding="utf-8"))
        tell("reading", 0.0)
        result = answer(request, tell)
        write_json(folder / "result.json", result.model_dump(mode="json"))
        tell("done", 1.0)
    except MsflError as error:
        tell("failed", 1.0, str(error))


def answer(request: Request, tell: Tell) -> Result:
    """Predict and explain recordings.

    Raises:
        MsflError: The run or its models cannot be read.
    """
    from msfl.predict import choose_jobs, predict, table_of
    from msfl.runs import open_run

    heard = _Heard({str(Path(request.recordings, upload.file)): upload.name for upload in request.uploads})
    good = heard.check()
    if not good:
        return Result(members=0, normalisation="", answers=heard.answers({}))
    run = open_run(request.run)
    chosen = choose_jobs(run, request.model, request.language_set)
    table = table_of(good, speaker="one" if request.one_speaker else None)
    watched = _Watched(run, tell, len(chosen))
    predicted = predict(
        watched, table, model=request.model, language_set=request.language_set, progress=False
    )
    heard.problems |= {str(row.file): str(row.reason) for row in predicted.failures.itertuples()}
    said = _predictions(predicted)
    explained = {}
    if len(predicted.table):
        tell("explaining", 0.0)
        explained = explain(run, chosen[0], table.loc[predicted.table.index], said, tell)
    return Result(
        members=predicted.members,
        normalisation=predicted.normalisation,
        answers=heard.answers(said),
        **explained,
    )


class _Heard:
    """The recordings of a request: which can be used, and why the others cannot."""

    def __init__(self, names: dict[str, str]) -> None:
        self.names = names
        self.seconds: dict[str, float] = {}
        self.problems: dict[str, str] = {}

    def check(self) -> list[Path]:
        """Return the recordings that are sound, and not too long by their headers."""
        from msfl.audio import probe

        for file in self.names:
            try:
                self.seconds[file] = probe(file).duration
            except DataError as error:
                self.problems[file] = str(error)
            if self.seconds.get(file, 0.0) > LONGEST:
                self.problems[file] = f"It is longer than {LONGEST:.0f} seconds; cut it."
        return [Path(file) for file in self.names if file not in self.problems]

    def answers(self, said: dict[str, dict[str, Any]]) -> tuple[Answer, ...]:
        """Return one answer per recording, in the order in which they came."""
        return tuple(
            Answer(
                name=name,
                seconds=round(self.seconds.get(file, 0.0), 2),
                problem=self.problems.get(file, "").replace(file, name),
                **said.get(file, {}),
            )
            for file, name in self.names.items()
        )


class _Watched(Run):
    """A run that tells how many of its models have been loaded: the step that takes long."""

    def __init__(self, run: Run, tell: Tell, members: int) -> None:
        super().__init__(run.path, run.manifest)
        self.__dict__.update(tell=tell, members=members, loaded=0)

    def load_system(self, job: JobRecord) -> Any:
        """Load a model, and tell."""
        mine = self.__dict__
        mine["tell"]("predicting", mine["loaded"] / mine["members"])
        mine["loaded"] += 1
        return super().load_system(job)


def _predictions(predicted: Predicted) -> dict[str, dict[str, Any]]:
    """Return file -> probabilities and attention."""
    columns = [str(name) for name in predicted.table]
    tasks = [name for name in columns if f"{name}_probability" in columns]
    found = {}
    for utterance, row in predicted.table.iterrows():
        found[str(row["file"])] = {
            "probabilities": {
                task: {
                    column.removeprefix(f"p_{task}_"): float(row[column])
                    for column in columns
                    if column.startswith(f"p_{task}_")
                }
                for task in tasks
            },
            "attention": tuple(
                Part(name=name, value=weight) for name, weight in predicted.top(str(utterance), TOP)
            ),
        }
    return found


def explain(
    run: Run, record: JobRecord, table: pd.DataFrame, said: dict[str, dict[str, Any]], tell: Tell
) -> dict[str, str]:
    """Add to the answers what speaks for and against the class of the main task that the models predict together.

    One model of those that were averaged is explained: explaining all would take minutes.

    Args:
        run: The run.
        record: The job whose model is explained.
        table: Utterance table of the new recordings.
        said: File -> fields of its answer; the fields ``families`` and ``features`` are added.
        tell: Is told how far the work is.

    Returns:
        Fields of the result: method, job and unit; nothing where no method fits the model.
    """
    from dataclasses import replace
    from operator import itemgetter

    import pandas as pd

    from analyses.attributions import get_explainer, load_subject
    from msfl.datasets import make_dataset
    from msfl.feature_source import extracted

    main = record.tasks[0].name
    method = "linear" if record.model in LINEAR else "shap"
    more = {} if method == "linear" else {"most": ROUNDS}
    explainer = get_explainer(method, tasks=(main,), classes="true", **more)
    if explainer.objection(record):
        return {}
    features = extracted(table, run.manifest.features.set, None, False).values[list(run.feature_names)]
    values = run.load_scaler(record).transform(features, table)
    tasks = tuple(info.task() for info in record.tasks)
    answers = [
        max(said[str(file)]["probabilities"][main].items(), key=itemgetter(1))[0] for file in table["file"]
    ]
    labelled = table.assign(
        **{tasks[0].column: pd.array(answers, dtype="string")}
    )  # "true": the class to explain
    data = make_dataset(labelled, values, run.feature_names, tasks)
    subject = replace(load_subject(run, record), test=data, pool=data)
    found = explainer.explain(subject, seed=0, progress=lambda share: tell("explaining", share))
    files = table["file"].to_dict()
    for position, utterance in enumerate(found.keys["utterance"]):
        said[str(files[utterance])] |= _parts(found, position, run)
    return {
        "method": method,
        "explained": record.id,
        "unit": "margin" if method == "linear" else "probability",
    }


def _parts(found: Attribution, position: int, run: Run) -> dict[str, tuple[Part, ...]]:
    import numpy as np

    from msfl.features.grammar import parse_or_unknown

    values = found.values[position]
    families: dict[str, float] = {}
    for name, value in zip(found.items, values, strict=True):
        family = parse_or_unknown(name, run.manifest.features.set).family
        families[family] = families.get(family, 0.0) + float(value)
    best = np.argsort(-np.abs(values), kind="stable")[:TOP]
    return {
        "families": _sorted(families),
        "features": tuple(Part(name=found.items[place], value=float(values[place])) for place in best),
    }


def _sorted(values: dict[str, float]) -> tuple[Part, ...]:
    ordered = sorted(values.items(), key=lambda item: -abs(item[1]))
    return tuple(Part(name=name, value=value) for name, value in ordered)


def main() -> None:
    """Work on the folder that the command line names."""
    from msfl.features.sets import load_opensmile
    from msfl.processes import end_with
    from msfl.quiet import hush_libraries

    hush_libraries()
    end_with(os.getppid())
    load_opensmile()  # before TensorFlow, which brings a Fourier transform of the same name
    work(Path(sys.argv[1]))


if __name__ == "__main__":
    main()

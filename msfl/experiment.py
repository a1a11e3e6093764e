"""The experiment: one TOML file that says what is compared with what, and under which conditions.

`load_experiment` reads and checks the file; what it returns is complete (defaults filled in, paths
absolute) and frozen. Which utterances, folds and jobs follow from it is worked out in `msfl.selection` and
`msfl.preparation`, where the data are at hand.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from msfl.errors import UsageError, nearest
from msfl.tasks import COLUMNS

Normalisation = Literal["train", "speaker", "corpus"]
SET_RULES = ("monolingual", "all", "monolingual+all", "all-subsets")
DEFAULT_MODELS = ("msfl", "msfl-single-task", "linear-svm", "majority")
_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


class _Section(BaseModel):
    """A part of the file: unknown keys are refused, nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class CorpusSource(_Section):
    """Where a corpus lies and who reads it.

    Attributes:
        reader: Name of the reader, see `msfl corpora`.
        path: Folder or file of the corpus; relative paths start at the folder of the experiment file.
        normalisation: Normalisation of this corpus where it differs from that of the experiment.
        language: Language tag that replaces the reader's, to join `en-US` and `en-GB` as `en`, for instance.
    """

    reader: str
    path: Path
    normalisation: Normalisation | None = None
    language: str | None = None

    def spec(self, label: str) -> str:
        """Return the source in the form that `msfl.corpora.load` takes, ``reader:LABEL=PATH``."""
        return f"{self.reader}={self.path}" if label == self.reader else f"{self.reader}:{label}={self.path}"


class Data(_Section):
    """What is taken from the corpora.

    Attributes:
        emotions: ``all``, ``shared`` (those that occur in every language), or a list.
        features: Name of the openSMILE set.
        features_table: CSV or Parquet file with features of your own, instead of extraction.
        normalisation: ``train``, ``speaker`` or ``corpus``; see `msfl.features.normalisation`.
        labelled: Share of the training utterances whose label of the main task is shown to the models; see
            `msfl.labelled`.
    """

    emotions: Literal["all", "shared"] | tuple[str, ...] = "all"
    features: str = "IS10"
    features_table: Path | None = None
    normalisation: Normalisation = "train"
    labelled: float = 1.0

    @field_validator("labelled", mode="before")
    @classmethod
    def _labelled(cls, value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"{value!r} is no share; give a number above 0, up to 1, as in labelled = 0.1")
        if value == 0:
            raise ValueError(
                "0 hides every label of the main task, so that there is nothing to learn it from; give a share "
                "above 0, up to 1"
            )
        if not 0 < value <= 1:
            raise ValueError(f"{value} is no share above 0, up to 1: labelled = 0.1 shows 10 % of the labels")
        return float(value)

    @field_validator("features", mode="after")
    @classmethod
    def _features(cls, value: str) -> str:
        from msfl.features.sets import feature_set

        try:
            feature_set(value)
        except UsageError as error:
            raise ValueError(str(error)) from None
        return value

    @field_validator("emotions", mode="before")
    @classmethod
    def _emotions(cls, value: Any) -> Any:
        if isinstance(value, str) and value not in ("all", "shared"):
            raise ValueError(f"'{value}' is neither 'all' nor 'shared' nor a list of emotions")
        if isinstance(value, list | tuple) and len(set(value)) < 2:
            raise ValueError("name at least two different emotions")
        return tuple(value) if isinstance(value, list) else value


class ProtocolChoice(_Section):
    """Who is in training and test, and the seed from which everything random in the experiment derives."""

    name: str = "speaker-kfold:5"
    seed: int = Field(default=0, ge=0)

    @field_validator("name")
    @classmethod
    def _known(cls, value: str) -> str:
        from msfl.protocols import parse

        try:
            parse(value)
        except UsageError as error:
            raise ValueError(str(error)) from None
        return value


class Training(_Section):
    """The grid: every model is trained on every language set, fold and seed.

    Attributes:
        language_sets: A rule (`SET_RULES`) or a list of lists of language tags.
        models: Names of systems, see `msfl models`.
        tasks: Main task first; single-task models learn the first only.
        seeds: How many (``3``), or which (``[0, 1, 2]``).
        balancing: How all multitask networks balance their losses: a name, or a table with a name and parameters.
            None leaves each system its own, which for the systems of other papers is what those papers do.
    """

    language_sets: str | tuple[tuple[str, ...], ...] = "monolingual+all"
    models: tuple[str, ...] = DEFAULT_MODELS
    tasks: tuple[str, ...] = ("emotion", "language")
    seeds: tuple[int, ...] = (0,)
    balancing: str | dict[str, Any] | None = None

    @field_validator("language_sets", mode="before")
    @classmethod
    def _sets(cls, value: Any) -> Any:
        if isinstance(value, str):
            if value not in SET_RULES:
                hint = nearest(value, SET_RULES)
                raise ValueError(f"'{value}' is no rule ({', '.join(SET_RULES)}) and no list of lists.{hint}")
            return value
        listed = isinstance(value, list | tuple) and len(value) > 0
        if not listed or not all(isinstance(item, list | tuple) and item for item in value):
            raise ValueError('give a rule or a list of lists of languages, as in [["de"], ["de", "it"]]')
        return tuple(tuple(item) for item in value)

    @field_validator("tasks", mode="after")
    @classmethod
    def _tasks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for task in value:
            if task not in COLUMNS:
                raise ValueError(
                    f"there is no task '{task}' (known: {', '.join(COLUMNS)}).{nearest(task, list(COLUMNS))}"
                )
        return _distinct(value, "task")

    @field_validator("models", mode="after")
    @classmethod
    def _models(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return _distinct(value, "model")

    @field_validator("seeds", mode="before")
    @classmethod
    def _seeds(cls, value: Any) -> Any:
        if isinstance(value, bool) or (isinstance(value, int) and value < 1):
            raise ValueError("give the number of seeds, at least 1, or a list of seeds")
        return tuple(range(value)) if isinstance(value, int) else value

    @field_validator("seeds", mode="after")
    @classmethod
    def _seed_values(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if any(seed < 0 for seed in value):
            raise ValueError("a seed is a whole number from 0 upwards")
        return _distinct(value, "seed")

    @field_validator("balancing", mode="after")
    @classmethod
    def _balancing(cls, value: str | dict[str, Any] | None) -> str | dict[str, Any] | None:
        if isinstance(value, dict) and not isinstance(value.get("name"), str):
            raise ValueError('a table needs the name of the method, as in {name = "gradnorm", alpha = 0.5}')
        return value


class Experiment(_Section):
    """A checked experiment; see `docs/experiment.md` for the file it comes from."""

    name: str
    corpora: dict[str, CorpusSource]
    data: Data = Data()
    protocol: ProtocolChoice = ProtocolChoice()
    training: Training = Training()
    model: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Parameters per model, passed to its constructor."""

    @field_validator("name")
    @classmethod
    def _name(cls, value: str) -> str:
        if not _LABEL.fullmatch(value):
            raise ValueError(f"'{value}' must be letters, digits, '-', '_' or '.': it names the run folder")
        return value

    @field_validator("corpora", mode="before")
    @classmethod
    def _corpora(cls, value: Any) -> Any:
        if not isinstance(value, dict) or not value:
            raise ValueError('name at least one corpus, as in emodb = "path/to/emodb"')
        for label in value:
            if not _LABEL.fullmatch(label):
                raise ValueError(f"the label '{label}' must be letters, digits, '-', '_' or '.'")
        return {label: _source(label, entry) for label, entry in value.items()}

    @model_validator(mode="after")
    def _parameters_have_a_model(self) -> Experiment:
        for name in self.model:
            if name not in self.training.models:
                hint = nearest(name, self.training.models)
                raise ValueError(f"[model.{name}] gives parameters to a model that is not trained.{hint}")
        return self


def _distinct(values: tuple[Any, ...], what: str) -> tuple[Any, ...]:
    if not values:
        raise ValueError(f"name at least one {what}")
    for value in values:
        if values.count(value) > 1:
            raise ValueError(f"the {what} {value!r} is there twice")
    return values


def _source(label: str, entry: Any) -> Any:
    """Expand ``label = "PATH"`` and ``label = "reader=PATH"``; the reader defaults to the label."""
    if isinstance(entry, str):
        found = re.fullmatch(r"([a-z][a-z0-9_-]*)=(.+)", entry)
        return {"reader": found[1], "path": found[2]} if found else {"reader": label, "path": entry}
    if isinstance(entry, dict):
        return {"reader": label, **entry}
    return entry


def load_experiment(file: Path) -> Experiment:
    """Read and check an experiment file.

    Relative paths in it start at its own folder; the experiment holds them absolute.

    Raises:
        UsageError: The file does not exist, is no TOML, or holds an unknown key or a wrong value; the
            sentence names the file, the key, and what would be right.
    """
    try:
        raw = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(
            f"There is no experiment file '{file}'. `msfl init {file}` writes a commented one."
        ) from None
    except IsADirectoryError:
        raise UsageError(f"'{file}' is a folder; name the experiment file, a .toml.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} is not valid TOML: {error}.") from None
    return parse_experiment(raw, folder=file.resolve().parent, where=str(file))


def parse_experiment(raw: dict[str, Any], *, folder: Path, where: str = "experiment") -> Experiment:
    """Check a dictionary of the same shape as the file; ``folder`` is where relative paths start.

    Raises:
        UsageError: See `load_experiment`; ``where`` stands first in the sentence.
    """
    try:
        experiment = Experiment.model_validate(raw)
    except ValidationError as error:
        raise UsageError(f"{where}: {_sentence(error)}") from None
    corpora = {
        label: source.model_copy(update={"path": (folder / source.path.expanduser()).resolve()})
        for label, source in experiment.corpora.items()
    }
    table = experiment.data.features_table
    data = experiment.data
    if table is not None:
        data = data.model_copy(update={"features_table": (folder / table.expanduser()).resolve()})
    return experiment.model_copy(update={"corpora": corpora, "data": data})


def _sentence(error: ValidationError) -> str:
    """Turn the first fault that pydantic found into a sentence for the person who wrote the file."""
    first = error.errors()[0]
    location = [str(part) for part in first["loc"] if not str(part).startswith(("tuple[", "literal["))]
    key = ".".join(location)
    match first["type"]:
        case "extra_forbidden":
            hint = nearest(location[-1], _known_keys(location[:-1]))
            return f"there is no key '{key}'.{hint}"
        case "missing":
            return f"the key '{key}' is missing."
        case "literal_error":
            expected = first["ctx"]["expected"].replace("' or '", "', '")
            words = tuple(word.strip("' ") for word in expected.split(","))
            return (
                f"{key} = {first['input']!r} is not one of {expected}.{nearest(str(first['input']), words)}"
            )
        case "value_error":
            return f"{key}: {first['ctx']['error']}" if key else str(first["ctx"]["error"])
        case _:
            text = first["msg"][0].lower() + first["msg"][1:]
            return f"{key} = {first['input']!r}: {text}."


def _known_keys(location: list[str]) -> tuple[str, ...]:
    """Return the keys that may stand at a place of the file."""
    if location[:1] == ["corpora"]:
        return tuple(CorpusSource.model_fields)
    sections: dict[str, type[BaseModel]] = {"data": Data, "protocol": ProtocolChoice, "training": Training}
    section = sections.get(location[0], Experiment) if location else Experiment
    return tuple(section.model_fields)

"""Run folders of any size with random numbers in the documented tables, to measure the dashboard on.

Nothing is trained: names of features are real, everything else is drawn at random; sorting and pieces of the tables
are those of `msfl train` and `msfl explain`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from analyses.explanations import ExplanationManifest, of_run, write_manifest, write_tables
from msfl.features.grammar import parse_or_unknown
from msfl.features.sets import feature_names
from msfl.manifest import JobRecord, Manifest, TaskInfo, versions
from msfl.runs import open_run

EMOTIONS = ("anger", "boredom", "disgust", "fear", "happiness", "neutral", "sadness")
LANGUAGES = ("de", "en", "it", "ko", "ur", "zh", "pl", "fr", "es", "nl", "tr", "ja")
FOLDS = tuple(f"fold-{number:02d}" for number in range(1, 6))
MODELS = {"msfl": True, "linear-svm": False}
"""Model -> whether it has attention."""
METHODS = ("attention", "shap", "consensus")
LEVELS = ("contour", "family", "feature", "functional")
EXPLAINED = 40
"""Utterances per fold that have attributions."""
ROWS = 8192
STARTED = "2026-01-01T00:00:00+00:00"


@dataclass(frozen=True)
class Size:
    """How large a run is.

    Attributes:
        feature_set: An openSMILE set.
        languages: How many languages.
        utterances: How many utterances.
    """

    feature_set: str
    languages: int
    utterances: int


STUDY = Size("IS10", 5, 3300)
"""The five corpora of the project."""
LARGEST = Size("ComParE_2016", 12, 3300)


class Maker:
    """Makes one run folder."""

    def __init__(self, folder: Path, size: Size) -> None:
        self.folder, self.size = folder, size
        self.languages = LANGUAGES[: size.languages]
        self.sets = {**{name: (name,) for name in self.languages}, "all": self.languages}
        self.names = tuple(feature_names(size.feature_set))
        self.random = np.random.default_rng(0)

    def make(self) -> Path:
        """Write the run and its explanations; returns the folder."""
        self.folder.mkdir(parents=True)
        self.utterances.to_parquet(self.folder / "utterances.parquet", index=False)
        values = self.random.normal(size=(len(self.utterances), len(self.names))).astype(np.float32)
        features = pd.DataFrame(values, columns=list(self.names), copy=False)
        features.insert(0, "utterance", self.utterances["utterance"])
        features.to_parquet(self.folder / "features.parquet", index=False)
        self._splits().to_parquet(self.folder / "splits.parquet", index=False)
        empty = pd.DataFrame(columns=["utterance", "file", "reason"], dtype="str")
        empty.to_parquet(self.folder / "failures.parquet", index=False)
        self._jobs()
        self._predictions().to_parquet(self.folder / "predictions.parquet", index=False)
        self._scores().to_parquet(self.folder / "scores.parquet", index=False)
        (self.folder / "manifest.json").write_text(self._manifest().model_dump_json(), encoding="utf-8")
        self._explain()
        return self.folder

    # -- the run ----------------------------------------------------------------------------------------------
    @cached_property
    def utterances(self) -> pd.DataFrame:
        """The utterance table: a corpus per language, ten speakers each."""
        count = self.size.utterances
        place = np.arange(count)
        language = np.array(self.languages)[place % len(self.languages)]
        speaker = place // len(self.languages) % 10
        return pd.DataFrame(
            {
                "utterance": [
                    f"corpus-{tag}/u{number:05d}" for tag, number in zip(language, place, strict=True)
                ],
                "file": [f"/nowhere/{number:05d}.wav" for number in place],
                "corpus": [f"corpus-{tag}" for tag in language],
                "language": language,
                "speaker": [f"corpus-{tag}/s{one}" for tag, one in zip(language, speaker, strict=True)],
                "gender": np.where(speaker % 2, "female", "male"),
                "emotion": self.random.choice(EMOTIONS, count),
                "naturalness": "acted",
                "text": None,
                "duration": self.random.uniform(1, 5, count),
                "normalisation": "speaker",
            }
        )

    @cached_property
    def _fold(self) -> np.ndarray[Any, np.dtype[np.object_]]:
        place = np.arange(self.size.utterances) // len(self.languages) % 10 // 2
        return np.array(FOLDS, dtype=object)[place]

    def _splits(self) -> pd.DataFrame:
        pieces = [
            pd.DataFrame(
                {
                    "fold": fold,
                    "part": np.where(self._fold == fold, "test", "train"),
                    "utterance": self.utterances["utterance"],
                }
            )
            for fold in FOLDS
        ]
        return pd.concat(pieces, ignore_index=True)

    def _manifest(self) -> Manifest:
        corpora = {f"corpus-{tag}": {"reader": "manifest", "path": "/nowhere"} for tag in self.languages}
        training = {
            "language_sets": "monolingual+all",
            "models": list(MODELS),
            "tasks": ["emotion", "language"],
        }
        return Manifest(
            msfl_version="0.1.0",
            name=f"random {self.size.languages} x {len(self.names)}",
            created=STARTED,
            experiment={
                "name": "random",
                "corpora": corpora,
                "data": {"features": self.size.feature_set},
                "protocol": {"name": "speaker-kfold:5", "seed": 0},
                "training": {**training, "seeds": [0]},
            },
            versions=versions(),
            features={"set": self.size.feature_set, "count": len(self.names), "fingerprint": "0"},  # type: ignore[arg-type]
            data={"utterances": self.size.utterances, "fingerprint": "0", "failures": 0},  # type: ignore[arg-type]
            protocol={
                "name": "speaker-kfold:5",
                "seed": 0,
                "title": "random numbers",
                "speaker_independent": True,
            },  # type: ignore[arg-type]
            normalisation="none: random numbers",
            language_sets=self.sets,
            folds=FOLDS,
        )

    def _jobs(self) -> None:
        classes = {"emotion": EMOTIONS, "language": self.languages}
        tasks = tuple(TaskInfo(name=name, classes=found) for name, found in classes.items())
        ids = self.utterances["utterance"].to_numpy()
        for number, (name, model, fold) in enumerate(self._grid()):
            job = f"{name}--{model}--{fold}--0--{number:08x}"
            record = JobRecord(
                id=job,
                language_set=name,
                languages=self.sets[name],
                model=model,
                fold=fold,
                seed=0,
                status="done",
                derived_seed=0,
                tasks=tasks,
                attention=MODELS[model],
                seconds=1.0,
                started=STARTED,
            )
            folder = self.folder / "jobs" / job
            folder.mkdir(parents=True)
            (folder / "job.json").write_text(record.model_dump_json(), encoding="utf-8")
            epochs = np.arange(1, 31 if MODELS[model] else 1)
            weights = {f"weight_{task}": self.random.uniform(0.5, 1.5, len(epochs)) for task in classes}
            pd.DataFrame({"epoch": epochs, **weights}).to_parquet(folder / "history.parquet", index=False)
            if name == "all" and MODELS[model]:
                self._attributions(job, fold, ids[self._fold == fold][:EXPLAINED])

    def _grid(self) -> Iterator[tuple[str, str, str]]:
        return ((name, model, fold) for name in self.sets for model in MODELS for fold in FOLDS)

    def _attributions(self, job: str, fold: str, ids: Sequence[str]) -> None:
        rows = pd.DataFrame(
            {"utterance": np.repeat(ids, 2), "language_set": "all", "model": "msfl", "fold": fold}
        )
        rows = rows.assign(seed=0, task="emotion", base_value=1 / len(EMOTIONS))
        rows["class"] = [EMOTIONS[place % 2] for place in range(len(rows))]
        values = self.random.normal(0, 0.002, (len(rows), len(self.names))).astype(np.float32)
        table = pa.Table.from_pandas(
            pd.concat([rows, pd.DataFrame(values, columns=list(self.names))], axis=1), preserve_index=False
        )
        folder = self.folder / "attributions" / "shap"
        folder.mkdir(parents=True, exist_ok=True)
        table = table.replace_schema_metadata({"level": "feature", "method": "shap"})
        pq.write_table(table, folder / f"{job}.parquet", compression="zstd")

    def _predictions(self) -> pd.DataFrame:
        pieces = []
        for name, model in ((name, model) for name in self.sets for model in MODELS):
            here = self.utterances["language"].isin(self.sets[name]).to_numpy()
            for task, classes in (("emotion", EMOTIONS), ("language", self.languages)):
                part = self.utterances.loc[here, ["utterance", "corpus", "language", "speaker"]]
                part = part.assign(language_set=name, model=model, fold=self._fold[here], seed=0, task=task)
                part["truth"] = self.utterances.loc[here, task]
                chance = self.random.dirichlet(np.ones(len(classes)), len(part)).astype(np.float32)
                part["predicted"] = np.array(classes)[chance.argmax(axis=1)]
                pieces.append(part.assign(**{f"p_{one}": chance[:, k] for k, one in enumerate(classes)}))
        return pd.concat(pieces, ignore_index=True)

    def _scores(self) -> pd.DataFrame:
        rows = []
        for name, model in ((name, model) for name in self.sets for model in MODELS):
            groups = [("overall", "all"), *(("language", tag) for tag in self.sets[name])]
            groups += [("corpus", f"corpus-{tag}") for tag in self.sets[name]]
            for task in ("emotion", "language"):
                for level, group in groups:
                    keys = {
                        "language_set": name,
                        "model": model,
                        "task": task,
                        "level": level,
                        "group": group,
                        "seed": "mean",
                    }
                    counts = {"corpora": 1, "speakers": 10, "utterances": 300, "classes": len(EMOTIONS)}
                    value = float(self.random.uniform(0.3, 0.8))
                    shown = {
                        f"{score}{end}": value + step
                        for score in ("uar", "war", "macro_f1")
                        for end, step in (("", 0.0), ("_low", -0.05), ("_high", 0.05), ("_sd", float("nan")))
                    }
                    rows += [{**keys, **counts, **shown}, {**keys, "seed": "0", **counts, **shown}]
        return pd.DataFrame(rows)

    # -- its explanations -------------------------------------------------------------------------------------
    def _explain(self) -> None:
        run = open_run(self.folder)
        models = dict.fromkeys(METHODS[:-1], "msfl")
        write_manifest(run, ExplanationManifest(run=of_run(run), complete=True, models=models))
        for method in METHODS:
            write_ranking(self, method)
        write_tables(run, {"effects": self._effects(), **_tests(self)})

    @cached_property
    def items(self) -> dict[str, pd.DataFrame]:
        """Level -> name, in_words, contour, family, size and share of its items."""
        found = [parse_or_unknown(name, self.size.feature_set) for name in self.names]
        table = pd.DataFrame(
            {
                "name": [one.name for one in found],
                "in_words": [one.description for one in found],
                "contour": [one.contour for one in found],
                "family": [one.family for one in found],
                "functional": [one.functional for one in found],
            }
        )
        levels = {"feature": table.assign(size=1)}
        for level in ("contour", "functional", "family"):
            grouped = table.groupby(level, sort=True)
            part = grouped[["contour", "family"]].first().assign(size=grouped.size())
            names = part.index.to_numpy()
            levels[level] = part.reset_index(drop=True).assign(name=names, in_words=names)
        return {level: part.assign(share=part["size"] / len(self.names)) for level, part in levels.items()}

    def parts(self) -> Iterator[tuple[str, str, str, str]]:
        """Yield task, language set, kind of part and part, in the order of a table of rankings."""
        for task in ("emotion", "language"):
            for name in sorted(self.sets):
                yield task, name, "", ""
                if task == "emotion":
                    yield from ((task, name, "emotion", one) for one in EMOTIONS)
                    if len(self.sets[name]) > 1:
                        yield from ((task, name, "language", one) for one in sorted(self.sets[name]))

    def _effects(self) -> pd.DataFrame:
        keys = [
            (language, emotion, contrast)
            for language in (*self.languages, "all")
            for contrast in ("neutral", "rest")
            for emotion in EMOTIONS
            if (emotion, contrast) != ("neutral", "neutral")
        ]
        count, items = len(keys), len(self.names)
        value = self.random.normal(0, 0.5, count * items)
        columns = dict(zip(("language", "emotion", "contrast"), zip(*keys, strict=True), strict=True))
        repeated = {name: np.tile(np.array(column), items) for name, column in columns.items()}
        whole = {"n": 40, "n_other": 200, "speakers": 10}
        return pd.DataFrame(
            {
                "name": np.repeat(np.array(sorted(self.names)), count),
                **repeated,
                "hedges_g": value,
                "low": value - 0.2,
                "high": value + 0.2,
                **whole,
            }
        )


def write_ranking(maker: Maker, method: str) -> None:
    """Write the table of rankings of a method."""
    blocks = [(part, level) for part in maker.parts() for level in LEVELS]
    sizes = [len(maker.items[level]) for _, level in blocks]
    starts = dict(zip(LEVELS, np.cumsum([0, *(len(maker.items[level]) for level in LEVELS)]), strict=False))
    about = pd.concat([maker.items[level] for level in LEVELS], ignore_index=True)
    order = np.concatenate(
        [
            starts[level] + maker.random.permutation(size)
            for (_, level), size in zip(blocks, sizes, strict=True)
        ]
    )
    rank = np.concatenate([np.arange(1, size + 1) for size in sizes])
    lift = np.concatenate([np.sort(maker.random.gamma(2, 0.5, size))[::-1] for size in sizes])

    def same(values: Sequence[str]) -> pa.Array:
        codes = np.repeat(np.arange(len(values), dtype=np.int32), sizes)
        return pa.DictionaryArray.from_arrays(codes, pa.array(values)).cast(pa.large_string())

    def of_item(column: str) -> pa.Array:
        return pa.array(about[column].to_numpy()).take(pa.array(order))

    keys = list(zip(*(part for part, _ in blocks), strict=True))
    table = pa.table(
        {
            "method": same([method] * len(blocks)),
            "task": same(keys[0]),
            "model": same(["msfl"] * len(blocks)),
            "language_set": same(keys[1]),
            "part_kind": same(keys[2]),
            "part": same(keys[3]),
            "level": same([level for _, level in blocks]),
            **{
                column: of_item(column)
                for column in ("name", "in_words", "contour", "family", "size", "share")
            },
            "importance": lift / 1000,
            "lift": lift,
            "rank": rank,
            "mean_rank": rank + 0.5,
            "sd_rank": maker.random.gamma(2, 5, len(rank)),
            "min_rank": np.maximum(1, rank - 5),
            "max_rank": rank + 20,
            "in_top": maker.random.uniform(0, 1, len(rank)),
            "direction": maker.random.uniform(-1, 1, len(rank)),
            **({"p_value": maker.random.uniform(0, 1, len(rank))} if method == "consensus" else {}),
        }
    )
    file = maker.folder / "explanations" / "rankings" / f"{method}.parquet"
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, file, compression="zstd", row_group_size=ROWS)


def _tests(maker: Maker) -> dict[str, pd.DataFrame]:
    """Return the small tables: what is shared, overlaps, and how far each ranking can be trusted."""
    draw = maker.random
    sets, parts = sorted(maker.sets), [("", ""), *(("emotion", one) for one in EMOTIONS)]
    mono = [name for name in sets if name != "all"]
    grid = [(method, name, level) for method in METHODS for name in sets for level in LEVELS]
    shared = []
    for method, (kind, part), level in ((m, p, level) for m in METHODS for p in parts for level in LEVELS):
        items = maker.items[level].sample(frac=1, random_state=1).head(100)
        about = items[["name", "in_words", "contour", "family"]].assign(rank=range(1, len(items) + 1))
        keys = {"method": method, "part_kind": kind, "part": part, "level": level}
        for definition in ("top", "aggregated", "direction"):
            more = {"definition": definition, "shared": about["rank"] <= 5, "p_value": 0.1, "detail": ""}
            shared.append(about.assign(**keys, **more))
    lists = [" & ".join(pair) for pair in combinations([f"{one} alone" for one in mono], 2)]
    overlaps = [
        {"method": m, "part_kind": kind, "part": part, "level": level, "lists": pair, "counted": level, "k": 10}
        | {"common": "", "observed": 1, "expected": 0.1, "p_value": 0.2, "chance": "exact"}
        for m in METHODS for (kind, part) in parts for level in LEVELS for pair in lists
    ]  # fmt: skip
    stability = [
        {"method": m, "language_set": name, "level": level, "k": 10, "over": over, "index": index}
        | {"value": 0.6, "low": 0.5, "high": 0.7, "repeats": 5}
        for m, name, level in grid for over in ("folds", "seeds", "all") for index in ("nogueira", "kuncheva")
    ]  # fmt: skip
    agreement = [
        {"kind": "methods", "a": a, "b": b, "method": "", "language_set": name, "level": level, "measure": measure}
        | {"k": 10, "value": 0.3, "low": 0.2, "high": 0.4, "chance": 0.1, "p_value": 0.01}
        for a, b in combinations(METHODS[:-1], 2) for name in sets for level in LEVELS
        for measure in ("kendall_tau_b", "rbo", "jaccard")
    ]  # fmt: skip
    faithfulness = [
        {"method": m, "language_set": name, "model": "msfl", "level": level, "test": test, "value": 0.3}
        | {"random_mean": 0.5, "random_sd": 0.05, "random_draws": 1000, "p_value": 0.001, "p_normal": 0.0}
        | {"better": "lower", "utterances": 300, "ranked_by": "other folds"}
        for m, name, level in grid if level != "functional"
        for test in ("deletion", "insertion", "comprehensiveness", "sufficiency")
    ]  # fmt: skip
    shares = np.linspace(0, 1, 21)
    curves = [
        pd.DataFrame({"share": shares, "value": draw.uniform(0.2, 0.8, len(shares))}).assign(
            method=m, language_set=name, model="msfl", level=level, test=test,
            low=lambda t: t["value"] - 0.05, high=lambda t: t["value"] + 0.05,
        )
        for m in (*METHODS, "random") for name in sets for level in ("feature", "contour", "family")
        for test in ("deletion", "insertion", "deletion probability", "insertion probability")
    ]  # fmt: skip
    sanity = [
        {"method": m, "language_set": "all", "model": "msfl", "level": level, "randomised": kind, "value": 0.1}
        | {"measure": "kendall_tau_b", "reference": 0.7, "reference_from": "folds", "repeats": 5, "passed": True}
        | {"verdict": "Random numbers."}
        for m in METHODS[:-1] for level in ("feature", "contour") for kind in ("parameters", "labels")
    ]  # fmt: skip
    confound = [
        {"method": m, "language_set": "all", "level": level, "normalisation": how, "against": against}
        | {"measure": "jaccard", "k": 10, "value": 0.1, "low": 0.0, "high": 0.2, "chance": 0.01, "p_value": 0.3}
        | {"strength": "none", "verdict": "Random numbers."}
        for m in METHODS for level in LEVELS for how in ("as trained", "corpus")
        for against in ("language means", "language distributions", "language task")
    ]  # fmt: skip
    verdicts = [
        {"method": m, "language_set": name, "level": level, "verdict": "caution", "reasons": "Random numbers."}
        | {"stability": 0.6, "faithful": 0.01, "sane": 1.0}
        for m, name, level in grid
    ]  # fmt: skip
    small: dict[str, list[dict[str, Any]]] = {
        "overlaps": overlaps,
        "stability": stability,
        "agreement": agreement,
        "faithfulness": faithfulness,
    }
    small |= {"sanity": sanity, "confound": confound, "verdicts": verdicts}
    joined = {"shared": pd.concat(shared, ignore_index=True), "curves": pd.concat(curves, ignore_index=True)}
    return {**joined, **{name: pd.DataFrame(rows) for name, rows in small.items()}}


def make_run(folder: Path, size: Size) -> Path:
    """Write a run of a size into a new folder; returns the folder."""
    return Maker(folder, size).make()


def describe(folder: Path) -> str:
    """Say how large a run is."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    languages = {tag for tags in manifest["language_sets"].values() for tag in tags}
    features, utterances = manifest["features"]["count"], manifest["data"]["utterances"]
    return f"{len(languages)} languages x {features} features, {utterances} utterances"

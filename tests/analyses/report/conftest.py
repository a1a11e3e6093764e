"""A finished run of two languages with explanations, both made by hand in a second; its names are an attacker's."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analyses.cells import collect
from analyses.explanations import ExplanationManifest, of_run, write_manifest, write_tables
from analyses.ranking_tables import tables as rank
from analyses.shared_tables import lists_of, overlap_rows, shared_rows
from msfl.atomic import write_json
from msfl.evaluation.tables import score_table
from msfl.manifest import DataInfo, FeatureInfo, JobRecord, Manifest, ProtocolInfo, TaskInfo
from msfl.runs import KEYS, Run, open_run

CONTOURS = ("F0final_sma", "jitterLocal_sma", "pcm_loudness_sma", *(f"mfcc_sma[{n}]" for n in range(4)))
FEATURES = tuple(f"{contour}_{one}" for contour in CONTOURS for one in ("amean", "stddev", "linregc1"))
SHARED = ("F0final_sma_amean", "jitterLocal_sma_amean")
EMOTIONS = ("anger", "sadness")
SETS = {"de": ("de",), "it": ("it",), "all": ("de", "it")}
EVIL = "<img src=x onerror=alert(1)>"
"""Name of the run, of a corpus, and in a warning: a page that shows it as it is would run it."""
FORMULA = "=HYPERLINK(1)"
"""Name of a speaker that a spreadsheet would run."""
TOP = 5


def utterances() -> pd.DataFrame:
    rows = [
        {
            "utterance": f"{language}/{speaker}{emotion[0]}{take}",
            "file": "a.wav",
            "corpus": EVIL if language == "de" else "emovo",
            "language": language,
            "speaker": f"{language}/{FORMULA if speaker == 0 else speaker}".removeprefix("de/"),
            "gender": "female" if speaker % 2 else "male",
            "emotion": emotion,
            "naturalness": "acted",
            "duration": 2.0,
        }
        for language in ("de", "it")
        for speaker in range(4)
        for emotion in EMOTIONS
        for take in range(3)
    ]
    return pd.DataFrame(rows)


def keyed(table: pd.DataFrame, model: str, language_set: str, seed: int) -> pd.DataFrame:
    rows = table[table["language"].isin(SETS[language_set])]
    fold = np.where(rows.index % 2, "fold-01", "fold-02")
    return rows.assign(language_set=language_set, model=model, fold=fold, seed=seed)[[*KEYS, "emotion"]]


def predictions(table: pd.DataFrame) -> pd.DataFrame:
    pieces = []
    for model in ("msfl", "majority"):
        for name in SETS:
            rows = keyed(table, model, name, 0)
            right = rows["emotion"]
            guess = (
                right.where(np.arange(len(rows)) % 5 != 0, EMOTIONS[0]) if model == "msfl" else EMOTIONS[0]
            )
            made = rows.drop(columns="emotion").assign(task="emotion", truth=right, predicted=guess)
            for emotion in EMOTIONS:
                made[f"p_{emotion}"] = np.where(made["predicted"] == emotion, 0.8, 0.2).astype("float32")
            pieces.append(made)
    return pd.concat(pieces, ignore_index=True)


def attention(table: pd.DataFrame, noise: float = 0.05) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    pieces = []
    for name in SETS:
        for seed in (0, 1):
            rows = keyed(table, "msfl", name, seed).drop(columns="emotion").reset_index(drop=True)
            raw = rng.uniform(1 - noise, 1 + noise, (len(rows), len(FEATURES)))
            raw[:, [FEATURES.index(one) for one in SHARED]] *= 8
            weights = pd.DataFrame(raw / raw.sum(axis=1, keepdims=True), columns=list(FEATURES)).astype(
                "float32"
            )
            pieces.append(pd.concat([rows, weights], axis=1))
    return pd.concat(pieces, ignore_index=True)


def write_run(folder: Path) -> Run:
    table = utterances()
    (folder / "attributions").mkdir(parents=True)
    manifest = Manifest(
        msfl_version="0.1.0",
        name=f"A study {EVIL}",
        created="2026-01-01T00:00:00+00:00",
        experiment={
            "name": "study",
            "corpora": {"emovo": {"reader": "emovo", "path": "emovo"}},
            "training": {"models": ["msfl", "majority"]},
        },
        versions={"msfl": "0.1.0", "opensmile": "2.6.0"},
        features=FeatureInfo(set="IS10", count=len(FEATURES), fingerprint="f"),
        data=DataInfo(utterances=len(table), fingerprint="d", failures=0, synthetic=True),
        protocol=ProtocolInfo(
            name="speaker-kfold:2",
            seed=0,
            title="speaker-independent, 2 folds of whole speakers",
            speaker_independent=True,
        ),
        normalisation="train: z-scores",
        language_sets=SETS,
        folds=("fold-01", "fold-02"),
        warnings=(f"A warning with {EVIL} in it.",),
    )
    (folder / "manifest.json").write_text(manifest.model_dump_json(), encoding="utf-8")
    table.to_parquet(folder / "utterances.parquet", index=False)
    pd.DataFrame({"utterance": [], "file": [], "reason": []}).to_parquet(
        folder / "failures.parquet", index=False
    )
    pd.DataFrame({"utterance": table["utterance"], **dict.fromkeys(FEATURES, 0.0)}).to_parquet(
        folder / "features.parquet", index=False
    )
    found = predictions(table)
    found.to_parquet(folder / "predictions.parquet", index=False)
    score_table(found, resamples=20).to_parquet(folder / "scores.parquet", index=False)
    attention(table).to_parquet(folder / "attributions" / "attention.parquet", index=False)
    for number, name in enumerate(SETS):
        for model in ("msfl", "majority"):
            write_job(folder, f"{name}--{model}--fold-01--0--{number:08x}", name, model)
    return open_run(folder)


def write_job(folder: Path, job: str, name: str, model: str) -> None:
    record = JobRecord(
        id=job,
        language_set=name,
        languages=SETS[name],
        model=model,
        fold="fold-01",
        seed=0,
        status="done",
        derived_seed=0,
        parameters={"units": 8, "balancing": "gradnorm"} if model == "msfl" else {},
        tasks=(TaskInfo(name="emotion", classes=EMOTIONS),),
        test=12,
        attention=model == "msfl",
        seconds=1.0,
        started="2026-01-01T00:00:00+00:00",
    )
    (folder / "jobs" / job).mkdir(parents=True)
    write_json(folder / "jobs" / job / "job.json", record.model_dump(mode="json"))


def write_explanations(run: Run) -> None:
    table = run.utterances.reset_index()
    emotions = table.set_index("utterance")["emotion"]
    ranked = {}
    for method, noise in (("attention", 0.05), ("shap", 0.4), ("consensus", 0.1)):
        cells = collect([attention(table, noise)], emotions)
        ranked[method] = rank(
            {"emotion": {"feature": cells}}, method=method, top=TOP, feature_set="IS10", features=FEATURES
        )
    lists = [one for frame, _ in ranked.values() for one in lists_of(frame, SETS, top=TOP)]
    found = {f"rankings/{method}": frame for method, (frame, _) in ranked.items()}
    found["shared"] = pd.concat([shared_rows(one) for one in lists], ignore_index=True)
    found["overlaps"] = pd.concat(
        [overlap_rows(one, FEATURES, "IS10") for one in lists if not one.place["part_kind"]]
    )
    write_tables(run, found | judgements())
    manifest = ExplanationManifest(
        run=of_run(run),
        settings={"top": TOP, "effort": "quick"},
        models={"attention": "msfl", "shap": "msfl"},
        versions={"shap": "0.51"},
        notes=("A quick look.",),
        complete=True,
    )
    write_manifest(run, manifest)


def judgements() -> dict[str, pd.DataFrame]:
    """Return the tables of statistics and trust, small, with the columns of docs/explanations.md."""
    methods = ("attention", "shap", "consensus")
    bounds = {"value": 0.6, "low": 0.4, "high": 0.8}
    where = {"language_set": "all", "level": "feature"}
    effects = [
        {
            **{"name": name, "language": language, "emotion": emotion, "contrast": "rest"},
            **{"hedges_g": 1.0, "low": 0.5, "high": 1.5, "n": 12, "n_other": 12, "speakers": 4},
        }
        for name in SHARED
        for language in ("de", "it", "all")
        for emotion in EMOTIONS
    ]
    tests = [
        {
            "name": name,
            "language": "de",
            "eta_squared": 0.3,
            "low": 0.1,
            "high": 0.5,
            "kruskal_h": 9.0,
            "p_value": 0.001,
        }
        | {"p_holm": 0.04, "p_bh": 0.02, "n": 24, "speakers": 4}
        for name in SHARED
    ]
    faithful = [
        {"method": method, **where, "model": "msfl", "test": "deletion", "value": 0.3, "random_mean": 0.5}
        | {"random_sd": 0.02, "random_draws": 99, "p_value": 0.01, "better": "lower", "utterances": 24}
        for method in methods
    ]
    curves = [
        {"method": method, **where, "model": "msfl", "test": "deletion", "share": share, "value": 1 - share}
        | {"low": 0.9 - share, "high": 1.1 - share}
        for method in (*methods, "random")
        for share in (0.0, 0.5, 1.0)
    ]
    agreement = {
        "kind": "methods",
        "a": "attention",
        "b": "shap",
        "method": "",
        **where,
        **bounds,
        "chance": 0.0,
    }
    sanity = {
        "randomised": "labels",
        "measure": "kendall_tau_b",
        "value": 0.1,
        "reference": 0.7,
        "passed": True,
    }
    confound = {
        **where,
        "normalisation": "as trained",
        "measure": "jaccard",
        **bounds,
        "chance": 0.1,
        "p_value": 0.5,
    }
    planted = {
        "language_set": "all",
        "where": "all",
        "level": "feature",
        "k": 5,
        "chance": 0.2,
        "average_precision": 0.7,
    }
    return {
        "effects": pd.DataFrame(effects),
        "tests": pd.DataFrame(tests),
        "directions": pd.DataFrame(
            {"name": list(SHARED), "emotion": "anger", "contrast": "rest", "languages": 2, "agreeing": 2}
            | {"direction": 1, "shared": [True, False]}
        ),
        "stability": pd.DataFrame(
            [
                {"method": m, **where, "k": 5, "over": "all", "index": "nogueira", **bounds, "repeats": 4}
                for m in methods
            ]
        ),
        "agreement": pd.DataFrame([agreement | {"measure": "kendall_tau_b", "k": pd.NA, "p_value": 0.001}]),
        "faithfulness": pd.DataFrame(faithful),
        "curves": pd.DataFrame(curves),
        "sanity": pd.DataFrame([{"method": m, **where, **sanity, "verdict": "It changes."} for m in methods]),
        "confound": pd.DataFrame(
            [{"method": "shap", **confound, "verdict": "Little in common with languages."}]
        ),
        "planted": pd.DataFrame(
            [
                {
                    "method": m,
                    **planted,
                    "precision": 0.4 if m == "attention" else 1.0,
                    "planted": 4,
                    "items": 21,
                }
                for m in methods
            ]
        ),
        "verdicts": pd.DataFrame(
            [
                {"method": m, **where, "verdict": "caution", "reasons": "It is steady. It is not faithful."}
                | {"stability": 0.6, "faithful": 0.01, "sane": 1.0}
                for m in methods
            ]
        ),
    }


@pytest.fixture(scope="session")
def plain_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run after `msfl train` alone; tests only read it."""
    return write_run(tmp_path_factory.mktemp("plain") / "run")


@pytest.fixture(scope="session")
def explained_run(plain_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The same run after `msfl explain`; tests only read it."""
    folder = tmp_path_factory.mktemp("explained") / "run"
    shutil.copytree(plain_run.path, folder)
    run = open_run(folder)
    write_explanations(run)
    return run

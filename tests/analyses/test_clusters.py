"""Clusters of shared representations: figures against scikit-learn and by hand, the twin, the map, the section."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import silhouette_samples
from threadpoolctl import threadpool_info  # type: ignore[import-untyped]

from analyses import clusters
from analyses.clusters import (
    CORPUS,
    EMOTION,
    WITHIN,
    embedding_jobs,
    flat,
    measure,
    standardised,
    tables,
)
from analyses.explanations import of_run, open_explanations, read_manifest, write_manifest, write_tables
from analyses.report import words
from analyses.report.context import open_context
from analyses.report.files import write_chapter
from analyses.report.page import Chapter
from analyses.report.sections.clusters import section
from msfl.runs import Run, open_run

EXPERIMENT = """
[training]
models = ["aggregated-mtl", "aggregated-mtl-single-task", "majority"]
language_sets = "all"
[model.aggregated-mtl]
units = 4
depth = 1
epochs = 2
[model.aggregated-mtl-single-task]
units = 4
depth = 1
epochs = 2
"""


def fold(count: int = 60, spread: float = 1.0, seed: int = 0) -> pd.DataFrame:
    """Two corpora of three speakers each; emotions lie `spread` apart, corpora on another axis."""
    rng = np.random.default_rng(seed)
    emotion, corpus = rng.integers(0, 3, count), np.arange(count) % 2
    speaker = np.arange(count) % 6
    values = rng.normal(size=(count, 4))
    values[np.arange(count), emotion] += spread
    values[:, 3] += 4 * corpus
    frame = pd.DataFrame(
        {
            "utterance": [f"c{one}/{row}" for row, one in enumerate(corpus)],
            "corpus": [f"c{one}" for one in corpus],
            "language": "de",
            "speaker": [f"s{one}" for one in speaker],
            "fold": "fold-01",
            "emotion": np.array(["anger", "fear", "neutral"])[emotion],
        }
    )
    return frame.join(pd.DataFrame(values, columns=[f"e_{place}" for place in range(4)]))


def test_figures_are_those_of_distances_within_the_fold() -> None:
    frame = fold()
    found = measure(frame)
    place = standardised(frame)
    rows = found[found["label"] == EMOTION]
    np.testing.assert_allclose(rows["silhouette"], silhouette_samples(place, frame["emotion"]))
    distances = np.linalg.norm(place[:, None] - place[None], axis=-1)
    for row in (0, 17, 59):
        others = np.flatnonzero(frame["speaker"] != frame["speaker"][row])
        nearest = others[np.argsort(distances[row, others])[: clusters.NEIGHBOURS]]
        alike = frame["emotion"] == frame["emotion"][row]
        assert rows["neighbours"].iloc[row] == pytest.approx(alike[nearest].mean())
        assert rows["chance"].iloc[row] == pytest.approx(alike[others].mean())
    within = found[(found["label"] == WITHIN) & (found["corpus"] == "c0")]
    own = (frame["corpus"] == "c0").to_numpy()
    np.testing.assert_allclose(within["silhouette"], silhouette_samples(place[own], frame["emotion"][own]))


def test_scale_and_offset_of_a_dimension_change_nothing() -> None:
    frame = fold()
    moved = frame.assign(e_0=100 * frame["e_0"] + 7, e_1=frame["e_1"] / 50)
    pd.testing.assert_frame_equal(measure(frame), measure(moved), atol=1e-9)


def test_a_voice_is_no_emotion() -> None:
    """Utterances that are like those of the same speaker only have no neighbours of their emotion but by chance."""
    rng = np.random.default_rng(0)
    frame = fold(120, spread=0.0)
    frame["emotion"] = np.where(frame["speaker"].isin(["s0", "s1", "s2"]), "anger", "neutral")
    speaker = frame["speaker"].str[1:].astype(int).to_numpy()
    places = rng.normal(size=(6, 4)) * 50
    frame[[f"e_{place}" for place in range(4)]] = places[speaker] + rng.normal(size=(120, 4))
    by_emotion = measure(frame)
    by_emotion = by_emotion[by_emotion["label"] == EMOTION]
    hidden = frame.assign(speaker=pd.NA)
    careless = measure(hidden)
    careless = careless[careless["label"] == EMOTION]
    assert careless["neighbours"].mean() == 1.0
    assert by_emotion["neighbours"].mean() < 0.8


def test_one_emotion_and_one_speaker_are_missing_not_wrong() -> None:
    frame = fold(20).assign(emotion="anger", speaker="s0")
    rows = measure(frame)
    rows = rows[rows["label"] == EMOTION]
    assert rows["silhouette"].isna().all()
    assert rows["neighbours"].isna().all()


def test_a_broken_embedding_is_measured_without_its_holes() -> None:
    frame = fold()
    frame.loc[3, "e_0"] = np.nan
    assert np.isfinite(measure(frame)["silhouette"]).all()


def test_quality_sees_the_clearer_clusters_and_its_interval_says_so(monkeypatch) -> None:
    monkeypatch.setattr(clusters, "twin_of", lambda model: "twin" if model == "system" else "")
    seen = []
    for number in range(4):
        for model, spread in (("system", 3.0), ("twin", 1.0)):
            frame = fold(120, spread, seed=number).assign(fold=f"fold-{number}")
            frame["speaker"] = frame["speaker"] + frame["fold"]
            seen.append(measure(frame).assign(model=model))
    quality = clusters._quality(pd.concat(seen)).set_index(["model", "label", "measure"])
    for measured in clusters.MEASURES:
        row = quality.loc["system", EMOTION, measured]
        assert row["low"] > 0
        assert row["low"] <= row["difference"] <= row["high"]
        assert row["difference"] == pytest.approx(row["value"] - row["twin_value"])
        assert row["value"] == pytest.approx(quality.loc["system", EMOTION, measured]["value"])
        assert row["sd_folds"] > 0
        assert np.isnan(quality.loc["twin", EMOTION, measured]["difference"])
    assert quality.loc["system", CORPUS, "neighbours"]["high"] > -0.5


def test_no_difference_is_within_the_interval(monkeypatch) -> None:
    monkeypatch.setattr(clusters, "twin_of", lambda model: "twin" if model == "system" else "")
    frames = [measure(fold(200, 1.0, seed=0)).assign(model=model) for model in ("system", "twin")]
    row = clusters._quality(pd.concat(frames)).set_index(["model", "label", "measure"]).loc["system", EMOTION]
    np.testing.assert_allclose(row["difference"], 0)


def test_without_the_twin_there_is_nothing_to_compare_with() -> None:
    frames = [measure(fold()).assign(model=model) for model in ("mtl-cnn", "aggregated-mtl-single-task")]
    assert set(clusters._quality(pd.concat(frames))["twin"]) == {""}


def test_a_map_is_the_same_each_time_and_stays_in_its_frame() -> None:
    frame = fold(50)
    places = flat(frame)
    assert places.shape == (50, 2)
    assert np.abs(places).max() == pytest.approx(1.0)
    np.testing.assert_array_equal(places, flat(frame))


@pytest.fixture(scope="module")
def run(make_toy: Callable[..., Path]) -> Run:
    def labels(speaker: int) -> dict[str, str]:
        return {"gender": "female" if speaker % 2 else "male", "naturalness": "acted"}

    names = [f"f{place}" for place in range(6)]
    return open_run(make_toy(EXPERIMENT, names, takes=4, planted={"f0": (0, 3, 6)}, labels=labels))


def test_a_run_gets_tables_a_section_and_maps(run: Run, tmp_path) -> None:
    """One naturalness only: the task is left out, and the job is done all the same."""
    jobs = embedding_jobs(run)
    assert {job.model for job in jobs} == {"aggregated-mtl", "aggregated-mtl-single-task"}
    assert [task.name for task in next(job for job in jobs if job.model == "aggregated-mtl").tasks] == [
        "emotion",
        "gender",
    ]
    made = tables(run)
    own = made["clusters"].set_index(["model", "label", "measure"]).loc["aggregated-mtl", EMOTION]
    assert (own["twin"] == "aggregated-mtl-single-task").all()
    assert np.isfinite(own[["difference", "value", "sd_folds"]].to_numpy()).all()
    assert set(made["cluster_map"]["model"]) == {"aggregated-mtl", "aggregated-mtl-single-task"}
    folder = tmp_path / "run"
    shutil.copytree(run.path, folder)
    copied = open_run(folder)
    absent = section(open_context(copied))
    assert absent is not None
    assert any(getattr(block, "command", "").startswith("msfl explain") for block in absent.blocks)
    from analyses.explanations import ExplanationManifest

    write_tables(copied, made)
    write_manifest(copied, ExplanationManifest(run=of_run(copied), complete=True))
    assert read_manifest(copied) is not None
    found = section(open_context(copied))
    assert found is not None
    assert [block.name for block in found.blocks if block.kind == "figure"] == [
        "clusters-aggregated-mtl",
        "clusters-aggregated-mtl-single-task",
    ]
    assert len(open_explanations(copied).table("clusters")) == len(made["clusters"])
    listed = next(block for block in found.blocks if block.kind == "table")
    assert listed.visible["model"].tolist()[0].startswith("aggregated-corpora network")
    assert set(listed.visible["model"].tolist()[1:]) == {""}  # the twin stands in columns beside it
    assert listed.visible["neighbours_alone"].tolist()[0] != words.NONE
    context = open_context(copied)
    write_chapter(tmp_path / "report", Chapter("run", "Run", "", False, [found]), context, "")
    assert len(pd.read_csv(tmp_path / "report" / "tables" / "cluster_map.csv")) == len(made["cluster_map"])


def test_one_thread_measures_and_draws_and_says_how_far_it_is(run: Run, monkeypatch) -> None:
    """Threads of t-SNE that wait for each other on a busy machine took minutes instead of seconds."""
    seen: list[int] = []
    shares: list[float] = []

    def watched(frame: pd.DataFrame) -> np.ndarray:
        seen.extend(pool["num_threads"] for pool in threadpool_info())
        return flat(frame)

    monkeypatch.setattr(clusters, "flat", watched)
    tables(run, told=shares.append)
    assert set(seen) == {1}
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0)


def test_a_run_without_representations_has_no_section(run: Run, tmp_path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(run.path, folder)
    for file in folder.glob("jobs/*/embedding.parquet"):
        file.unlink()
    bare = open_run(folder)
    assert section(open_context(bare)) is None
    assert tables(bare)["clusters"].empty

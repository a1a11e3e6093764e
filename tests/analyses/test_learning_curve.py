"""The learning curve: which runs make one, what it says, and where the report has it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analyses.learning_curve import SEMI_SUPERVISED, curves, gains, learning_curve
from msfl.errors import DataError
from msfl.execution import train
from msfl.experiment import load_experiment
from msfl.runs import Run, open_run

TOML = """
name = "toy-{share}"
[corpora]
toy = {{ reader = "manifest", path = "toy.csv" }}
[data]
features_table = "toy.csv"
labelled = {share}
[protocol]
name = "speaker-kfold:2"
seed = {seed}
[training]
language_sets = "all"
models = ["linear-svm", "majority"]
seeds = 2
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("curve")
    rng = np.random.default_rng(0)
    rows = [
        {
            "file": f"{speaker}{emotion}{take}.wav",
            "language": "de",
            "speaker": f"s{speaker}",
            "emotion": emotion,
        }
        for speaker in range(4)
        for emotion in ("anger", "neutral")
        for take in range(10)
    ]
    table = pd.DataFrame(rows)
    values = rng.normal(size=(len(table), 6))
    values[:, 0] += 1.5 * (table["emotion"] == "anger")
    table.join(pd.DataFrame(values).add_prefix("f")).to_csv(made / "toy.csv", index=False)
    return made


def trained(folder: Path, share: float, seed: int = 0) -> Run:
    file = folder / f"toy-{share}-{seed}.toml"
    file.write_text(TOML.format(share=share, seed=seed), encoding="utf-8")
    out = folder / f"run-{share}-{seed}"
    train(load_experiment(file), out, jobs=1, progress=False)
    return open_run(out)


@pytest.fixture(scope="module")
def runs(folder: Path) -> list[Run]:
    return [trained(folder, share) for share in (1.0, 0.1)]


def test_a_seed_shows_other_labels_so_that_every_model_is_trained_with_each(runs: list[Run]) -> None:
    whole, few = (len([job for job in run.jobs if job.model == "linear-svm"]) for run in runs)
    assert (whole, few) == (2, 4)


def test_runs_that_differ_in_the_share_alone_make_a_curve(folder: Path, runs: list[Run]) -> None:
    other = trained(folder, 0.1, seed=1)
    assert [[run.labelled for run in found] for found in curves([*runs, other])] == [[0.1, 1.0]]
    with pytest.raises(DataError, match="are no learning curve"):
        learning_curve([runs[0], other])


def test_the_curve_has_the_scores_of_each_run(runs: list[Run]) -> None:
    curve = learning_curve(runs)
    assert list(curve["labelled"].unique()) == [0.1, 1.0]
    assert set(curve["model"]) == {"linear-svm", "majority"}
    assert not curve["seeds"].str.endswith("averaged").any()
    scores = runs[1].scores
    expected = scores[
        (scores["model"] == "linear-svm") & (scores["seed"] == "mean") & (scores["level"] == "corpus")
    ]["uar"]
    found = curve[(curve["labelled"] == 0.1) & (curve["model"] == "linear-svm")]["uar"]
    assert float(found.iloc[0]) == pytest.approx(float(expected.iloc[0]))


def test_what_unlabelled_utterances_add_is_paired_with_the_twin(
    runs: list[Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert gains(runs).empty
    monkeypatch.setattr("analyses.learning_curve.SEMI_SUPERVISED", (*SEMI_SUPERVISED, "linear-svm"))
    assert gains(runs).empty
    monkeypatch.setattr(
        "msfl.models.registry.twin_of", lambda name: "majority" if name == "linear-svm" else ""
    )
    added = gains(runs)
    assert set(added["labelled"]) == {0.1, 1.0}
    np.testing.assert_allclose(added["difference"], added["uar"] - added["uar_twin"], atol=1e-9)
    assert (added["low"] <= added["difference"]).all()


def test_the_report_has_the_curve_in_the_chapter_of_its_first_run(runs: list[Run], tmp_path: Path) -> None:
    from analyses.report.writing import report

    made = report(runs, tmp_path / "report", svg=False)
    page = made.page.read_text(encoding="utf-8")
    assert page.count("How many labels are needed</h") == 1
    first, second = (one["tables"] for one in made.summary["runs"])
    assert any("learning-curve" in name for name in first)
    assert not any("learning-curve" in name for name in second)
    alone = report(runs[:1], tmp_path / "alone", svg=False)
    assert "How many labels are needed" not in alone.page.read_text(encoding="utf-8")

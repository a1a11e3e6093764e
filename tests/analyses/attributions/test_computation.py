"""Attributions of a whole run: the right utterances, resumable, honest about what fails."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analyses.attributions import cells, choose_utterances, compute, load_subject, read
from analyses.attributions import files as stored
from analyses.attributions.expected_gradients import ExpectedGradients
from analyses.attributions.linear import LinearCoefficients
from msfl.errors import DataError, UsageError
from msfl.runs import open_run

FAST = {"background": 8, "samples": 4, "least": 4, "most": 4}
KEY = ["utterance", "task", "class"]


def jobs_of(run: Path, model: str) -> list[Any]:
    return [record for record in open_run(run).jobs if record.model == model]


@pytest.fixture(scope="session")
def explained(toy_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with all built-in attributions; read only."""
    import shutil

    run = Path(shutil.copytree(toy_run, tmp_path_factory.mktemp("explained") / "run"))
    msfl = jobs_of(run, "msfl")
    for method, parameters in (
        ("attention", {}),
        ("shap", FAST),
        ("owen", {"evaluations": 30}),  # of some utterances, because it is slow
        ("permutation", {"repeats": 2}),
    ):
        result = compute(run, method, jobs=msfl, parameters=parameters, progress=False)
        assert len(result.done) == 2, result.failed
    assert len(compute(run, "linear", progress=False).done) == 2
    return run


def test_the_data_of_a_job_are_those_of_its_training(toy_run: Path) -> None:
    """Test features give the predictions that training wrote, and no test speaker is in the background."""
    run = open_run(toy_run)
    for model in ("msfl", "linear-svm"):
        record = jobs_of(toy_run, model)[0]
        subject = load_subject(run, record)
        found = subject.system.predict(subject.test).probabilities["emotion"]
        written = run.job_table(record, "predictions.parquet")
        written = written[written["task"] == "emotion"].set_index("utterance").loc[subject.test.utterances]
        expected = written[[f"p_{name}" for name in subject.test.tasks[0].classes]].to_numpy()
        np.testing.assert_allclose(found, expected, atol=1e-6)
        assert len(subject.train) == record.train + record.validation
        assert not set(subject.train.speaker) & set(subject.test.speaker)


def test_every_method_writes_what_the_contract_says(explained: Path) -> None:
    run = open_run(explained)
    features = list(run.feature_names)
    for method in ("attention", "shap", "owen", "permutation", "linear"):
        files = sorted((explained / "attributions" / method).glob("*[0-9a-f].parquet"))
        assert len(files) == 2
        frame = pd.read_parquet(files[0])
        fixed = [*stored.KEY_COLUMNS, "samples", "standard_error", "completeness_error", "base_value"]
        items = [name for name in frame.columns if name not in (*fixed, "level")]
        assert (items == features) == (method != "permutation")
        assert set(frame["task"]) <= {"emotion", "language"}
        assert all(frame[name].dtype == np.float32 for name in items)
        metadata = stored.metadata_of(files[0])
        assert metadata["method"] == method
        assert metadata["level"] == ("contour,family" if method == "permutation" else "feature")
        tested = run.splits.query("part == 'test' and fold == @frame.fold[0]")["utterance"]
        chosen = choose_utterances(run, 20, 0) if method == "owen" else tested
        assert set(frame["utterance"]) == set(tested) & set(chosen)
    owen = pd.read_parquet(next((explained / "attributions" / "owen").glob("*.parquet")))
    assert owen["completeness_error"].abs().max() < 1e-5


def test_attention_is_that_of_the_run(explained: Path) -> None:
    run = open_run(explained)
    record = jobs_of(explained, "msfl")[0]
    found = read(run, "attention", record)
    table = run.attention().query("fold == @record.fold and model == 'msfl'").set_index("utterance")
    expected = table.loc[found.keys["utterance"], list(found.items)]
    np.testing.assert_array_equal(found.values, expected.to_numpy())


def test_cells_of_every_method(explained: Path) -> None:
    run = open_run(explained)
    record = jobs_of(explained, "msfl")[0]
    shap = cells(run, "shap")
    assert set(shap["task"]) == {"emotion", "language"}
    found = read(run, "shap", record)
    one = shap.query("fold == @record.fold and task == 'emotion' and emotion == 'anger' and language == 'de'")
    keys = found.keys
    rows = (keys["task"] == "emotion") & (keys["class"] == "anger") & (keys["language"] == "de")
    rows &= keys["utterance"].map(run.utterances["emotion"]) == "anger"
    values = found.values[rows.to_numpy(dtype=bool)]
    features = list(run.feature_names)
    by_statistic = one.set_index("statistic")
    np.testing.assert_allclose(
        by_statistic.loc["signed", features].to_numpy(float), values.mean(0), atol=1e-6
    )
    importance = by_statistic.loc["importance", features].to_numpy(float)
    np.testing.assert_allclose(importance, np.abs(values).mean(0), atol=1e-6)
    assert (one["count"] == len(values)).all()
    assert set(cells(run, "attention")["statistic"]) == {"importance"}
    permutation = cells(run, "permutation")
    assert set(permutation["level"]) == {"contour", "family"}
    families = permutation[permutation["level"] == "family"]
    assert families[["pitch", "loudness", "cepstrum"]].notna().all(axis=None)
    assert families["mfcc[0]"].isna().all()
    from analyses.cells import of_table

    for method in ("attention", "shap", "owen", "permutation", "linear"):
        assert "emotion" in of_table(cells(run, method))


def test_uar_drops_of_all_jobs(explained: Path) -> None:
    table = stored.table(open_run(explained), "permutation", "uar")
    groups = table.groupby(["fold", "level", "name"])
    assert (groups.size() == 2).all()
    assert table["drop"].between(-1, 1).all()


def test_an_interrupted_computation_goes_on(own_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = open_run(own_run)
    calls: list[str] = []
    real = LinearCoefficients.explain

    def interrupted(self: Any, subject: Any, **options: Any) -> Any:
        calls.append(subject.record.id)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(self, subject, **options)

    monkeypatch.setattr(LinearCoefficients, "explain", interrupted)
    with pytest.raises(KeyboardInterrupt):
        compute(run, "linear", progress=False)
    files = list((own_run / "attributions" / "linear").iterdir())
    assert len(files) == 1
    before = files[0].read_bytes()
    result = compute(run, "linear", progress=False)
    assert result.skipped == (calls[0],)
    assert result.done == (calls[1],)
    assert files[0].read_bytes() == before
    assert compute(run, "linear", progress=False).done == ()
    changed = compute(run, "linear", parameters={"classes": "true"}, progress=False)
    assert set(changed.done) == set(calls[:2])
    files[0].write_bytes(before[:100])
    assert len(compute(run, "linear", parameters={"classes": "true"}, progress=False).done) == 1


def test_a_job_trained_again_is_explained_again(own_run: Path) -> None:
    first = compute(own_run, "linear", progress=False).done
    file = own_run / "jobs" / first[0] / "job.json"
    file.write_text(file.read_text().replace('"started": "2', '"started": "3'), encoding="utf-8")
    run = open_run(own_run)
    record = next(one for one in run.jobs if one.id == first[0])
    with pytest.raises(DataError, match="trained again"):
        read(run, "linear", record)
    assert compute(run, "linear", progress=False).done == (first[0],)


def test_values_do_not_depend_on_other_jobs_or_workers(own_run: Path) -> None:
    run = open_run(own_run)
    second = jobs_of(own_run, "msfl")[1]
    compute(run, "shap", jobs=[second], parameters=FAST, progress=False)
    alone = read(run, "shap", second)
    stored.path_of(run, "shap", second).unlink()
    compute(run, "shap", parameters=FAST, progress=False)
    together = read(run, "shap", second)
    pd.testing.assert_frame_equal(alone.keys, together.keys)
    np.testing.assert_array_equal(alone.values, together.values)


def test_damage_fails_one_job_and_the_rest_goes_on(own_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = open_run(own_run)
    first, second = jobs_of(own_run, "msfl")
    real = ExpectedGradients.explain

    def spoilt(self: Any, subject: Any, **options: Any) -> Any:
        found = real(self, subject, **options)
        if subject.record.id == first.id:
            found.values[0, 0] = np.nan
        return found

    monkeypatch.setattr(ExpectedGradients, "explain", spoilt)
    result = compute(run, "shap", jobs=[first, second], parameters=FAST, progress=False)
    assert result.done == (second.id,)
    assert "not finite numbers" in result.failed[first.id]
    assert not stored.path_of(run, "shap", first).exists()
    import shutil

    shutil.rmtree(own_run / "jobs" / second.id / "model")
    result = compute(run, "shap", jobs=[second], parameters={**FAST, "most": 5}, progress=False)
    assert "is missing" in result.failed[second.id]


def test_some_utterances_of_each_language(own_run: Path) -> None:
    run = open_run(own_run)
    chosen = choose_utterances(run, 6, 0)
    table = run.utterances.loc[chosen]
    assert (table.groupby("language").size() == 6).all()
    assert (table.groupby(["language", "emotion"]).size() == 2).all()
    assert (table.groupby("language")["speaker"].nunique() >= 3).all()
    assert choose_utterances(run, 6, 0) == chosen
    assert choose_utterances(run, 6, 1) != chosen
    compute(run, "linear", utterances_per_language=6, progress=False)
    found = pd.concat([read(run, "linear", record).keys for record in jobs_of(own_run, "linear-svm")])
    assert set(found["utterance"]) == set(chosen)


def test_sentences(own_run: Path) -> None:
    run = open_run(own_run)
    majority = jobs_of(own_run, "majority")
    with pytest.raises(DataError, match="'shap' can explain: the model 'majority' has no gradients"):
        compute(run, "shap", jobs=majority, progress=False)
    with pytest.raises(DataError, match="no attributions by 'owen'"):
        cells(run, "owen")
    with pytest.raises(UsageError, match="workers is one or more"):
        compute(run, "linear", workers=0)
    mixed = [*majority[:1], *jobs_of(own_run, "linear-svm")]
    result = compute(run, "linear", jobs=mixed, progress=False)
    assert "is not linear" in result.failed[majority[0].id]
    assert len(result.done) == 2

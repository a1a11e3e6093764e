"""Run folders from others: damaged, foreign, newer, incomplete."""

import json
import shutil

import pytest

from msfl.errors import DataError, UsageError
from msfl.runs import open_run


@pytest.fixture
def run(trained, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(trained.out, folder)
    return folder


def edit(file, **changes):
    document = json.loads(file.read_text())
    document.update(changes)
    file.write_text(json.dumps(document))


def test_a_run_says_what_it_is(trained):
    run = open_run(trained.out)
    assert run.title() == (
        "speaker-independent, 2 folds of whole speakers; normalisation: train: z-scores with mean and "
        "deviation of the training part; features: own table"
    )
    assert run.language_set("all") == ("de", "it")
    with pytest.raises(UsageError, match=r"no language set 'dee'.*Did you mean 'de'"):
        run.language_set("dee")
    assert run.manifest.versions["numpy"]
    assert run.features(["f1"]).shape == (72, 1)
    assert len(run.jobs) == 3 * 2 * 2 * 2
    assert all(job.status == "done" for job in run.jobs)


def test_a_trained_model_loads_and_predicts_what_it_predicted(trained):
    import numpy as np

    from msfl.datasets import make_dataset

    run = open_run(trained.out)
    job = next(job for job in run.jobs if (job.model, job.language_set) == ("logistic-regression", "all"))
    mine = run.job_table(job, "predictions.parquet").set_index("utterance")
    table = run.utterances.loc[mine.index]
    values = run.load_scaler(job).transform(run.features().loc[mine.index], table)
    tasks = tuple(info.task() for info in job.tasks)
    prediction = run.load_system(job).predict(make_dataset(table, values, run.feature_names, tasks))
    expected = mine[[f"p_{name}" for name in tasks[0].classes]].to_numpy()
    assert np.allclose(prediction.probabilities["emotion"], expected, atol=1e-6)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"schema_version": 99, "msfl_version": "7.1"}, "written by a newer msfl (7.1, schema 99"),
        ({"schema_version": 0}, "written by an older msfl"),
        ({"schema_version": None}, "it has no schema_version"),
        ({"kind": "npm package"}, "was not written by msfl"),
        ({"features": {"set": "IS10"}}, "is damaged: features.count"),
        ({"language_sets": "de"}, "is damaged: language_sets"),
    ],
)
def test_a_manifest_that_cannot_be_read_is_explained(run, changes, sentence):
    edit(run / "manifest.json", **changes)
    with pytest.raises(DataError) as caught:
        open_run(run)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_no_run_folder_is_told_apart(tmp_path, run):
    with pytest.raises(DataError, match="There is no run folder"):
        open_run(tmp_path / "nothing")
    with pytest.raises(DataError, match="is not a run folder"):
        open_run(tmp_path)
    (run / "manifest.json").write_text('{"kind": "msfl r')
    with pytest.raises(DataError, match=r"manifest\.json is damaged: it is not JSON"):
        open_run(run)
    (run / "manifest.json").unlink()
    with pytest.raises(DataError, match="preparation was interrupted"):
        open_run(run)


def test_damaged_and_missing_tables_are_named(run):
    opened = open_run(run)
    whole = (run / "predictions.parquet").read_bytes()
    (run / "predictions.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"predictions\.parquet is damaged"):
        _ = opened.predictions
    (run / "predictions.parquet").unlink()
    with pytest.raises(DataError, match=r"predictions\.parquet is missing: the run is incomplete"):
        _ = opened.predictions
    (run / "features.parquet").write_bytes(b"PAR1 and then nothing")
    with pytest.raises(DataError, match=r"features\.parquet is damaged"):
        _ = opened.feature_names
    with pytest.raises(DataError, match=r"features\.parquet is damaged"):
        opened.features()


def test_damaged_jobs_are_named(run):
    opened = open_run(run)
    job = opened.jobs[0]
    (run / "jobs" / job.id / "scaler.npz").write_bytes(b"not an archive")
    with pytest.raises(DataError, match=r"scaler\.npz' is damaged"):
        opened.load_scaler(job)
    shutil.rmtree(run / "jobs" / job.id / "model")
    with pytest.raises(DataError, match="is missing: delete its job folder"):
        opened.load_system(job)
    edit(run / "jobs" / job.id / "job.json", status="perhaps")
    with pytest.raises(DataError, match=r"job\.json is damaged: status"):
        _ = open_run(run).jobs
    (run / "jobs" / job.id / "job.json").unlink()
    with pytest.raises(DataError, match=r"job\.json is missing"):
        _ = open_run(run).jobs


def test_a_damaged_job_is_computed_again(run, trained):
    from msfl.execution import train

    job = open_run(run).jobs[0]
    (run / "jobs" / job.id / "job.json").write_text("{")
    expected = open_run(trained.out).predictions
    outcome = train(trained.experiment(), run, jobs=1, progress=False)
    assert outcome.jobs - outcome.skipped == 1
    assert open_run(run).predictions.equals(expected)


def test_a_job_cannot_lead_out_of_the_folder(run, tmp_path):
    opened = open_run(run)
    job = opened.jobs[0]
    with pytest.raises(DataError, match="unsafe name"):
        opened.job_folder("../../elsewhere")
    edit(run / "jobs" / job.id / "job.json", id="../../../etc")
    with pytest.raises(DataError, match="is damaged: id"):
        _ = open_run(run).jobs
    shutil.move(run / "jobs" / job.id, tmp_path / "elsewhere")
    (run / "jobs" / job.id).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DataError, match="unsafe name"):
        _ = open_run(run).jobs


def test_the_command_line_ends_in_one_sentence(run, msfl):
    (run / "scores.parquet").write_bytes(b"nothing")
    result = msfl("results", run)
    assert result.exit_code == 1
    assert "scores.parquet is damaged" in str(result.exception)

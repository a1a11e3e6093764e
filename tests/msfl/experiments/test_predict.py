import json

import numpy as np
import pandas as pd
import pytest

from msfl.errors import DataError, UsageError
from msfl.predict import choose_jobs, collect, predict, table_of, table_of_features
from msfl.runs import open_run


def test_files_folders_and_lists_are_expanded_once(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "empty").mkdir()
    for name in ("a.wav", "deep/b.flac", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "list.txt").write_text("# mine\na.wav\n\ndeep/b.flac\nmissing.wav\n")
    found = collect([str(tmp_path), f"@{tmp_path / 'list.txt'}"])
    assert found == [tmp_path / "a.wav", tmp_path / "deep" / "b.flac", tmp_path / "missing.wav"]
    with pytest.raises(UsageError, match="no recordings there"):
        collect([str(tmp_path / "empty")])
    with pytest.raises(UsageError, match="cannot be read"):
        collect(["@nowhere.txt"])


def test_equal_stems_stay_apart_and_unknown_stays_unknown(tmp_path):
    table = table_of([tmp_path / "x" / "a.wav", tmp_path / "y" / "a.wav"], speaker="me")
    assert table.index.is_unique
    assert table["language"].isna().all()
    assert set(table["speaker"]) == {"new/me"}


def test_new_rows_of_features_get_the_emotion_that_they_were_made_with(trained, fresh, tmp_path, msfl):
    file = tmp_path / "new.csv"
    run = open_run(trained.out)
    fresh[["utterance", *run.feature_names]].to_csv(file, index=False)
    found = predict(
        run, table_of_features(file), model="logistic-regression", features_table=file, progress=False
    )
    assert found.members == 4  # two folds, two seeds
    assert found.language_set == "all"
    assert (found.table["emotion"].to_numpy() == fresh["emotion"].to_numpy()).mean() > 0.65  # chance is 1/3
    chances = found.table[[name for name in found.table if name.startswith("p_emotion_")]]
    assert np.allclose(chances.sum(axis=1), 1, atol=1e-5)

    result = msfl(
        "predict", trained.out, "--features-table", file, "--model", "logistic-regression",
        "--json", tmp_path / "p.json", "--csv", tmp_path / "p.csv",
    )  # fmt: skip
    assert result.exit_code == 0, result.exception
    document = json.loads((tmp_path / "p.json").read_text())
    assert document["models_averaged"] == 4
    assert len(pd.read_csv(tmp_path / "p.csv")) == len(document["predictions"]) == len(fresh)


def test_features_that_do_not_fit_the_run_are_refused(trained, tmp_path):
    run = open_run(trained.out)
    file = tmp_path / "new.csv"
    pd.DataFrame({"utterance": ["a"], "f0": [1.0], "f1": [1.0]}).to_csv(file, index=False)
    with pytest.raises(DataError, match="lack 6 that"):
        predict(run, table_of_features(file), features_table=file, progress=False)
    with pytest.raises(UsageError, match="--features-table"):
        predict(run, table_of([tmp_path / "a.wav"]), progress=False)


def test_the_models_to_average_are_chosen_or_named(trained):
    run = open_run(trained.out)
    assert {job.model for job in choose_jobs(run)} == {"logistic-regression"}
    assert {job.language_set for job in choose_jobs(run, "majority", "de")} == {"de"}
    with pytest.raises(UsageError, match=r"no finished model 'mayority'.*Did you mean 'majority'"):
        choose_jobs(run, "mayority")


def test_nothing_to_predict_is_a_usage_error(trained, msfl):
    assert msfl("predict", trained.out).exit_code == 2

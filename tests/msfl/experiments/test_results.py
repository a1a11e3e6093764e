import json

import pandas as pd
import pytest

from msfl.errors import UsageError
from msfl.evaluation.relative_gain import relative_f1_gain
from msfl.results import best_baseline, compare, differences, gains
from msfl.runs import open_run


def test_the_comparison_puts_monolingual_models_into_one_row(trained):
    run = open_run(trained.out)
    table = compare(run)
    assert table.columns == ("de", "it")  # one corpus holds both languages
    systems = {(row.language_set, row.model, row.seeds) for row in table.rows}
    assert {name for name, _, _ in systems} == {"monolingual", "all"}
    assert ("all", "majority", "mean of 2") in systems
    assert ("all", "majority", "2 averaged") in systems
    majority = next(row for row in table.rows if row.model == "majority")
    assert majority.scores["de"].value == pytest.approx(1 / 3)
    best = table.rows[0]
    assert best.model == "logistic-regression"
    assert best.scores["de"].low <= best.scores["de"].value <= best.scores["de"].high
    assert "speaker-independent" in table.title
    assert "normalisation: train" in table.title


def test_the_value_is_the_uar_of_the_predictions(trained):
    from sklearn.metrics import balanced_accuracy_score

    run = open_run(trained.out)
    rows = run.predictions.query(
        "task == 'emotion' and model == 'logistic-regression' and language_set == 'it'"
    )
    per_seed = [balanced_accuracy_score(part["truth"], part["predicted"]) for _, part in rows.groupby("seed")]
    row = next(
        row
        for row in compare(run).rows
        if (row.language_set, row.model, row.seeds) == ("monolingual", "logistic-regression", "mean of 2")
    )
    assert row.scores["it"].value == pytest.approx(sum(per_seed) / 2)


def test_paired_differences_against_the_best_baseline(trained):
    run = open_run(trained.out)
    best = best_baseline(run)
    assert best.startswith("logistic-regression@")
    frame = differences(run, "best")
    assert set(frame["against"]) == {best}
    majority = frame[frame["system"] == "majority@monolingual"].iloc[-1]
    assert majority["difference"] == pytest.approx(majority["uar"] - majority["uar_against"])
    assert majority["high"] < 0
    with pytest.raises(UsageError, match="Did you mean 'majority'"):
        differences(run, "mayority")


@pytest.fixture
def twins(monkeypatch):
    """Majority is the twin of logistic regression here."""
    known = {"logistic-regression": "majority"}
    monkeypatch.setattr("msfl.models.registry.twin_of", lambda name: known.get(name, ""))


def test_gains_are_the_paired_differences_to_the_twin_of_each_language_set(trained, twins):
    run = open_run(trained.out)
    found = gains(run)
    assert set(found["model"]) == {"logistic-regression"}
    assert set(found["language_set"]) == {"monolingual", "all"}
    for language_set, rows in found.groupby("language_set"):
        pairs = differences(run, f"majority@{language_set}")
        same = pairs[pairs["system"] == f"logistic-regression@{language_set}"]
        assert rows["difference"].tolist() == same["difference"].tolist()
        assert rows["low"].tolist() == same["low"].tolist()
        assert rows["uar_twin"].tolist() == same["uar_against"].tolist()
    assert (found["low"] > 0).all()
    first = found[found["language_set"] == "all"].iloc[0]
    gain = relative_f1_gain(run.predictions, "logistic-regression@all", "majority@all", first["group"])
    assert (first["f1_gain"], first["f1_gain_low"]) == (gain.gain, gain.low)


def test_a_twin_that_was_tested_on_other_utterances_is_not_compared(trained, twins, monkeypatch):
    run = open_run(trained.out)
    rows = run.predictions
    apart = rows[(rows["model"] == "majority") == (rows["fold"] == rows["fold"].min())]
    monkeypatch.setattr(type(run), "predictions", apart)
    assert gains(run).empty


def test_without_twins_nothing_is_gained_or_said(trained, msfl):
    assert gains(open_run(trained.out)).empty
    assert "twin" not in msfl("results", trained.out).output


def test_results_compare_each_system_with_its_twin(trained, twins, tmp_path, msfl):
    file = tmp_path / "x.json"
    result = msfl("results", trained.out, "--json", file)
    assert "UAR minus that of its twin" in " ".join(result.output.split())
    told = json.loads(file.read_text())["differences"]
    assert {row["twin"] for row in told} == {"majority"}
    assert "its twin" not in msfl("results", trained.out, "--against", "best").output


def test_results_are_written_as_csv_latex_and_json(trained, tmp_path, msfl):
    files = [tmp_path / name for name in ("x.csv", "x.tex", "x.json")]
    result = msfl(
        "results",
        trained.out,
        "--against",
        "majority",
        "--csv",
        files[0],
        "--latex",
        files[1],
        "--json",
        files[2],
    )
    assert result.exit_code == 0, result.exception
    assert "logistic-regression" in result.output
    frame = pd.read_csv(files[0])
    assert set(frame["protocol"]) == {"speaker-independent, 2 folds of whole speakers"}
    assert frame["uar"].between(0, 1).all()
    latex = files[1].read_text()
    assert r"95 \% interval" in latex
    assert latex.count(r"\begin{tabular}") == latex.count(r"\end{tabular}") == 2  # emotion, language
    document = json.loads(files[2].read_text())
    assert document["protocol"]["speaker_independent"] is True
    assert len(document["scores"]) == len(frame)


def test_a_random_split_is_called_speaker_dependent(toy, msfl):
    toy.write(models='["majority"]')
    toy.file.write_text(toy.file.read_text().replace("speaker-kfold:2", "random-kfold:2"))
    assert msfl("train", toy.file, "--out", toy.out, "--jobs", 1, "-q").exit_code == 0
    result = msfl("results", toy.out)
    assert "speaker-dependent" in " ".join(result.output.split())


def test_unknown_tasks_and_metrics_name_the_nearest(trained):
    run = open_run(trained.out)
    with pytest.raises(UsageError, match=r"no task 'emotions'.*Did you mean 'emotion'"):
        compare(run, task="emotions")
    with pytest.raises(UsageError, match=r"no metric 'uarr'.*Did you mean 'uar'"):
        compare(run, metric="uarr")

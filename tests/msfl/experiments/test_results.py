import json

import pandas as pd
import pytest

from msfl.errors import UsageError
from msfl.results import best_baseline, compare, differences
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

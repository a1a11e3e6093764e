"""The files of a report: tables, LaTeX, model card, summary, figures; the command and the function."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from analyses.commands.report import report as command
from analyses.report import cells, words
from analyses.report.blocks import Table
from analyses.report.card import plain
from analyses.report.files import slug, write_csv, write_summary, write_tables
from analyses.report.images import write_svg
from analyses.report.latex import escape, to_latex
from analyses.report.writing import report
from msfl.errors import DataError, UsageError

EVIL = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def written(explained_run, tmp_path_factory):
    return report(explained_run, tmp_path_factory.mktemp("report"), svg=False)


@pytest.fixture(scope="module")
def chapter(written):
    return written.folder / written.summary["runs"][0]["folder"]


def test_a_report_has_all_its_files(written, chapter):
    assert written.page.is_file()
    assert (chapter / "model-card.md").is_file()
    assert {file.stem for file in (chapter / "latex").iterdir()} == {
        "scores", "shared-features", "stability", "faithfulness",
    }  # fmt: skip
    tables = {file.name for file in (chapter / "tables").iterdir()}
    for name in written.summary["runs"][0]["tables"]:
        assert {f"{name}.csv", f"{name}.parquet"} <= tables
    for name in ("ranking-shap", "ranking-attention", "effects", "verdicts", "bump", "corpora"):
        assert f"{name}.parquet" in tables


def test_tables_hold_the_same_in_both_formats_and_as_in_the_run(written, chapter, explained_run):
    own = pd.read_parquet(explained_run.path / "explanations" / "rankings" / "shap.parquet")
    parquet = pd.read_parquet(chapter / "tables" / "ranking-shap.parquet")
    pd.testing.assert_frame_equal(parquet, own)
    csv = pd.read_csv(chapter / "tables" / "ranking-shap.csv", encoding="utf-8-sig")
    assert list(csv["name"]) == list(own["name"])
    assert csv["lift"].to_numpy() == pytest.approx(own["lift"].to_numpy())


def test_spreadsheets_run_nothing(chapter):
    for file in (chapter / "tables").glob("*.csv"):
        frame = pd.read_csv(file, encoding="utf-8-sig", dtype="string")
        for column in frame:
            texts = frame[column].dropna()
            numbers = pd.to_numeric(texts, errors="coerce").notna()
            assert not texts[~numbers].str.match(r"^[=+\-@\t\r]").any(), (file.name, column)
    speakers = pd.read_csv(chapter / "tables" / "speakers.csv", encoding="utf-8-sig")
    assert "'=HYPERLINK(1)" in set(speakers["speaker"])


def test_the_summary_is_strict_json_with_scores_features_and_verdicts(written):
    text = (written.folder / "report.json").read_text(encoding="utf-8")
    assert "NaN" not in text
    found = json.loads(text)["runs"][0]
    assert {"name", "scores", "features", "verdicts", "findings", "missing"} <= set(found)
    assert {row["model"] for row in found["scores"]} == {"msfl", "majority"}
    assert {row["name"] for row in found["features"] if row["consensus_shared"]} >= {"F0final_sma_amean"}


def test_the_model_card_names_use_data_scores_limits_and_the_licence_and_is_no_html(chapter):
    text = (chapter / "model-card.md").read_text(encoding="utf-8")
    for heading in ("Intended use", "Data", "Scores", "What was found", "Limits", "Licences", "References"):
        assert f"\n## {heading}\n" in text
    assert "openSMILE is not" in text
    assert "Synthetic speech" in text
    assert EVIL not in text


def test_the_page_shows_the_run(written):
    text = written.page.read_text(encoding="utf-8")
    assert EVIL not in text
    assert "A study &lt;img" in text
    assert "mean of the pitch contour" in text


def test_several_runs_have_a_chapter_and_a_folder_each(plain_run, tmp_path):
    made = report([plain_run.path, str(plain_run.path)], tmp_path / "two", top=3, svg=False)
    first, second = (one["folder"] for one in made.summary["runs"])
    assert first != second
    assert (made.folder / first / "model-card.md").is_file()
    assert (made.folder / second / "tables" / "scores.csv").is_file()
    text = made.page.read_text(encoding="utf-8")
    assert f'<article class="chapter" id="{first}"' in text
    assert f'<article class="chapter" id="{second}"' in text


def test_nothing_is_written_into_the_run(plain_run, tmp_path):
    before = sorted(file for file in plain_run.path.rglob("*"))
    report(plain_run, tmp_path / "out", svg=False)
    assert sorted(file for file in plain_run.path.rglob("*")) == before


@pytest.mark.parametrize(
    ("runs", "error", "said"), [([], UsageError, "at least one"), (["nowhere"], DataError, "nowhere")]
)
def test_a_mistake_is_one_sentence(runs, error, said, tmp_path):
    with pytest.raises(error, match=said):
        report(runs, tmp_path / "out")


def test_the_run_folder_itself_and_a_file_are_refused(plain_run, tmp_path):
    with pytest.raises(DataError, match="run folder itself"):
        report(plain_run, plain_run.path)
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="is a file"):
        report(plain_run, tmp_path / "file")


def test_the_command_prints_the_findings_and_where_the_page_is(plain_run, tmp_path):
    out = tmp_path / "out"
    result = CliRunner().invoke(
        command, [str(plain_run.path), "-o", str(out), "--no-svg"], catch_exceptions=False
    )
    assert result.exit_code == 0
    assert "UAR" in result.output
    assert f"Written: {out / 'report.html'}" in result.output


def test_the_package_is_imported_when_it_is_asked_for_and_can_be_called():
    code = (
        "import sys, analyses; assert 'pandas' not in sys.modules and 'analyses.report' not in sys.modules; "
        "assert callable(analyses.report); import analyses.report.words; assert callable(analyses.report); "
        "assert 'pandas' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_kaleido_there_is_one_sentence_and_no_folder(written, tmp_path, monkeypatch):
    import plotly.graph_objects as go

    from analyses.report.blocks import Figure

    figure = Figure("one", "One", "Read it.", go.Figure(), pd.DataFrame({"a": [1]}))
    monkeypatch.setattr("analyses.report.images.find_spec", lambda name: None)
    note = write_svg(tmp_path / "figures", [figure])
    assert "msfl[figures]" in note
    assert not (tmp_path / "figures").exists()


def test_a_chrome_that_fails_is_one_sentence(tmp_path, monkeypatch):
    import plotly.graph_objects as go
    import plotly.io

    from analyses.report.blocks import Figure

    def fail(*_, **__):
        raise RuntimeError("no browser\nlong trace")

    monkeypatch.setattr("analyses.report.images.find_spec", lambda name: object())
    monkeypatch.setattr(plotly.io, "write_images", fail)
    note = write_svg(
        tmp_path / "figures", [Figure("one", "One", "Read it.", go.Figure(), pd.DataFrame({"a": [1]}))]
    )
    assert "Chrome could not draw them (no browser)" in note
    assert list((tmp_path / "figures").iterdir()) == []


def test_latex_has_every_row_and_escapes_what_latex_would_run():
    frame = pd.DataFrame({"name": ["50 % of $x_1$ \\input{a}", "plain"], "rank": [1, 2]})
    table = Table("t", "A & B", frame, {"name": "feature_name", "rank": "rank"}, latex=True)
    text = to_latex(table, label="tab:t")
    assert r"50 \% of \$x\_1\$ \textbackslash{}input\{a\} & 1 \\" in text
    assert r"\caption{A \& B.}" in text
    assert r"\begin{tabular}{lr}" in text
    assert r"feature\_name & rank" in text


@given(st.text())
def test_no_text_can_command_latex(text):
    made = escape(text)
    for known in (
        r"\textbackslash{}",
        r"\textasciitilde{}",
        r"\textasciicircum{}",
        r"$<$",
        r"$>$",
        r"$\times$",
        r"$\pm$",
    ):
        made = made.replace(known, "")
    for known in (r"$\uparrow$", r"$\downarrow$", r"\,"):
        made = made.replace(known, "")
    for sign in "&%$#_{}":
        made = made.replace(f"\\{sign}", "")
    assert not set(made) & set("\\&%$#_{}^")


@given(st.text())
def test_markdown_shows_a_name_as_it_is(text):
    made = plain(text)
    assert "\n" not in made
    for sign in "<>[]`|*_":
        assert made.count(sign) == made.count(f"\\{sign}")


@given(st.lists(st.text(max_size=20), max_size=8))
def test_names_of_folders_are_safe_and_never_the_same(texts):
    used: list[str] = []
    for text in texts:
        name = slug(text, used)
        assert name
        assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
        assert name not in used
        used.append(name)


def test_columns_of_mixed_values_can_be_written(tmp_path):
    frame = pd.DataFrame({"a": ["x", 1, None], "b": [1.5, np.nan, 2.0]})
    write_tables(tmp_path, {"one": frame})
    assert list(pd.read_parquet(tmp_path / "one.parquet")["a"].fillna("")) == ["x", "1", ""]


def test_numbers_stay_numbers_in_csv(tmp_path):
    write_csv(tmp_path / "a.csv", pd.DataFrame({"a": [-1.5, 2.0], "b": ["-x", "y"]}))
    found = pd.read_csv(tmp_path / "a.csv")
    assert list(found["a"]) == [-1.5, 2.0]
    assert list(found["b"]) == ["'-x", "y"]


def test_numbers_that_json_does_not_know_are_null(tmp_path):
    write_summary(tmp_path / "a.json", {"a": [np.float64("nan"), float("inf"), np.int64(3), pd.NA, "x"]})
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": [None, None, 3, None, "x"]}


@pytest.mark.parametrize(
    ("value", "column", "text"),
    [
        (0.8234, "value", ".82"),
        (-0.001, "value", "-0.001"),
        (1.0, "value", "1.00"),
        (0.00004, "p_value", "< .001"),
        (0.042, "p_value", ".042"),
        (float("nan"), "p_value", "–"),
        (pd.NA, "k", "–"),
        (1582, "size", "1,582"),
        (3.0, "rank", "3"),
        (2.345, "lift", "2.35 ×"),
        (0.5, "in_top", "50 %"),
        (True, "shared", "yes"),
        (np.bool_(False), "shared", ""),
        ("text", "rank", "text"),
    ],
)
def test_cells_are_written_as_the_field_does(value, column, text):
    assert cells.written(value, column) == text


def test_lists_and_languages_in_words():
    assert words.listed(["a", "b", "c"]) == "a, b and c"
    assert words.languages(["de", "en-IN", "xx"]) == "German, English (en-IN) and xx"
    assert words.with_interval(0.8, float("nan"), 1) == ".80"
    assert words.with_interval(0.8, 0.75, 0.85) == ".80 [.75,\u00a0.85]"
    assert words.number(-0.0001) == ".00"

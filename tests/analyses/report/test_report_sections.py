"""What the sections say, with explanations and without."""

from __future__ import annotations

import json
import re
import shutil

import pandas as pd
import pytest

from analyses.explanations import write_tables
from analyses.report import findings, references
from analyses.report.blocks import Figure, Notice, Paragraph, Table, Terms, flat
from analyses.report.context import open_context
from analyses.report.sections import makers, methods, sections
from msfl.models.registry import system_class
from msfl.runs import open_run

SHARED = {"F0final_sma_amean", "jitterLocal_sma_amean"}


@pytest.fixture(scope="module")
def explained(explained_run):
    return {one.anchor: one for one in sections(open_context(explained_run))}


@pytest.fixture(scope="module")
def plain(plain_run):
    return {one.anchor: one for one in sections(open_context(plain_run, top=5))}


def blocks(section, kind):
    return [one for one in flat(section.blocks) if isinstance(one, kind)]


def words(section):
    found = []
    for one in flat(section.blocks):
        if isinstance(one, Paragraph | Notice):
            found.append(one.text)
        elif isinstance(one, Terms):
            found += [*one.items, *one.items.values()]
        elif hasattr(one, "items"):
            found += one.items
    return " ".join(found)


def table(section, name):
    return next(one for one in blocks(section, Table) if one.name == name)


def test_every_file_of_the_package_is_a_section_and_all_can_be_made(explained):
    made = {name for name, _ in makers()}
    # This run has one model only, no twin, and no network with a shared representation or attention over time.
    assert len(explained) == len(made - {"clusters", "gains", "learning_curve", "time_attention"}) == 15
    assert not any("could not be made" in words(section) for section in explained.values())


def test_nothing_is_called_missing_where_everything_was_computed(explained):
    missing = {
        anchor for anchor, one in explained.items() if any(n.level == "missing" for n in blocks(one, Notice))
    }
    assert missing == set()


def test_without_explanations_each_part_that_needs_them_names_the_command(plain):
    missing = {
        anchor: notice.command
        for anchor, one in plain.items()
        for notice in blocks(one, Notice)
        if notice.level == "missing"
    }
    assert set(missing) == {
        "summary", "effects", "stability", "faithfulness", "sanity", "confound", "planted",
    }  # fmt: skip
    assert all(command.startswith("msfl explain ") for command in missing.values())


def test_without_explanations_the_attention_lists_are_there_and_called_attention_alone(plain):
    assert "attention alone explains nothing" in words(plain["summary"])
    frame = table(plain["shared"], "shared-features").frame
    assert set(frame.loc[frame["attention_shared"], "name"]) >= SHARED
    assert {one.name for one in blocks(plain["overlaps"], Figure)} == {
        "bump",
        "upset-feature",
        "upset-contour",
    }


def test_both_rankings_stand_side_by_side_with_their_spread_and_verdict(explained):
    shown = table(explained["shared"], "shared-features")
    headings = " ".join(shown.headings)
    assert "consensus: rank (mean ± spread)" in headings
    assert "attention: rank (mean ± spread)" in headings
    verdicts = [one.text for one in blocks(explained["shared"], Notice) if one.level == "verdict"]
    assert len(verdicts) == 2
    assert all("use with caution" in text and "It is not faithful" in text for text in verdicts)


def test_ranks_in_the_table_are_those_of_the_rankings(explained, explained_run):
    frame = table(explained["shared"], "shared-features").frame
    context = open_context(explained_run)
    for method in ("consensus", "attention"):
        ranking = context.rankings(method).set_index("name")["rank"]
        assert (frame[f"{method}_rank"].to_numpy() == ranking.loc[frame["name"]].to_numpy()).all()
    assert frame["consensus_rank"].is_monotonic_increasing


def test_the_report_says_when_attention_alone_finds_less_of_what_was_planted(explained):
    assert "Attention alone finds less" in words(explained["planted"])
    assert "Attention alone finds less" in words(explained["summary"])


def test_the_scores_stand_beside_the_baseline(explained):
    shown = table(explained["scores"], "scores").visible
    assert "always the most frequent emotion" in set(shown["model"])
    assert shown.filter(like="mean").map(lambda text: "[" in text).all(axis=None)
    assert "best baseline" in words(explained["scores"])


def test_recall_of_each_emotion_is_the_share_that_is_recognised(explained, explained_run):
    frame = table(explained["scores"], "recalls").frame.set_index("emotion")
    rows = explained_run.predictions
    rows = rows[(rows["model"] == "msfl") & (rows["language_set"] == "all") & (rows["truth"] == "sadness")]
    for corpus, part in rows.groupby("corpus"):
        assert frame.loc["sadness", corpus] == pytest.approx((part["predicted"] == "sadness").mean())


def test_the_data_card_counts_what_is_in_the_run_and_repeats_its_warnings(explained, explained_run):
    corpora = table(explained["data"], "corpora").frame
    assert corpora["utterances"].sum() == len(explained_run.utterances)
    assert list(corpora["speakers"]) == [4, 4]
    assert list(corpora["female"]) == [2, 2]
    assert corpora["minutes"].sum() == pytest.approx(len(explained_run.utterances) * 2 / 60)
    notices = [one.text for one in blocks(explained["data"], Notice)]
    assert notices[: len(explained_run.manifest.warnings)] == list(explained_run.manifest.warnings)
    assert any("recording chain" in text for text in notices)


def test_the_methods_paragraph_names_protocol_features_versions_and_papers(explained):
    text = words(explained["methods"])
    for wanted in (
        "speaker-independent, 2 folds",
        "openSMILE 2.6.0",
        "16 kHz",
        "GradNorm",
        "Ma & Wang",
        "Costantini",
    ):
        assert wanted in text, wanted


def test_each_emotion_has_its_own_list(explained):
    names = {one.name for one in blocks(explained["emotions"], Table)}
    assert {"emotion-anger", "emotion-sadness"} <= names
    assert "hedges_g" in table(explained["emotions"], "emotion-anger").frame


def test_every_figure_says_how_to_read_it_and_shows_its_numbers(explained):
    figures = [one for section in explained.values() for one in blocks(section, Figure)]
    assert len(figures) > 12
    assert len({one.name for one in figures}) == len(figures)
    for one in figures:
        assert one.how_to_read.endswith((".", "?")), one.name
        assert len(one.data), one.name


def test_no_two_tables_of_a_chapter_would_write_the_same_file(explained):
    names = [one.name for section in explained.values() for one in blocks(section, Table)]
    names += [one.name for section in explained.values() for one in blocks(section, Figure)]
    assert len(names) == len(set(names))


def test_three_truths_are_told(plain):
    text = words(plain["limits"])
    assert "The split decides the number" in text
    assert "Language, corpus and recording chain" in text
    assert "Attention alone explains nothing" in text


def test_a_damaged_table_costs_its_section_only(explained_run, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(explained_run.path, folder)
    pd.DataFrame({"method": ["shap"], "language_set": ["all"]}).to_parquet(
        folder / "explanations" / "sanity.parquet"
    )
    (folder / "explanations" / "curves.parquet").write_bytes(b"no parquet")
    told = []
    made = {one.anchor: one for one in sections(open_context(open_run(folder), say=told.append))}
    failed = {anchor for anchor, one in made.items() if "could not be made" in words(one)}
    assert failed == {"sanity", "faithfulness"}
    assert len(told) == 2
    assert "msfl explain" in blocks(made["sanity"], Notice)[0].command


def test_one_language_alone_says_that_nothing_can_be_shared(plain_run, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(plain_run.path, folder)
    for job in (folder / "jobs").iterdir():
        if not job.name.startswith("de--"):
            shutil.rmtree(job)
    weights = pd.read_parquet(folder / "attributions" / "attention.parquet")
    weights[weights["language_set"] == "de"].to_parquet(
        folder / "attributions" / "attention.parquet", index=False
    )
    made = {one.anchor: one for one in sections(open_context(open_run(folder)))}
    assert "one language only" in words(made["shared"])
    assert not any("could not be made" in words(one) for one in made.values())
    assert "overlaps" not in made


def test_without_models_of_single_languages_nothing_is_called_shared_and_no_command_is_promised(
    explained_run, tmp_path
):
    folder = tmp_path / "run"
    shutil.copytree(explained_run.path, folder)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    manifest["language_sets"] = {"all": manifest["language_sets"]["all"]}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    (folder / "explanations" / "overlaps.parquet").unlink()
    context = open_context(open_run(folder))
    made = {one.anchor: one for one in sections(context)}
    assert not context.alone
    assert "monolingual+all" in words(made["overlaps"])
    assert not [notice.command for notice in blocks(made["overlaps"], Notice) if notice.command]
    assert "shared" not in table(made["shared"], "shared-features").visible


def test_directions_are_counted_against_all_other_emotions(explained_run, tmp_path):
    """What goes the same way against neutral speech does so because of neutral speech, often."""
    folder = tmp_path / "run"
    shutil.copytree(explained_run.path, folder)
    run = open_run(folder)
    found = pd.read_parquet(folder / "explanations" / "directions.parquet")
    against_neutral = found.assign(contrast="neutral", shared=True)
    write_tables(run, {"directions": pd.concat([found, against_neutral], ignore_index=True)})
    assert findings.direction(open_context(run)) == findings.direction(open_context(explained_run))
    assert "1 of 2 features" in findings.direction(open_context(run))[0]


def test_what_a_slow_method_explained_is_not_called_all_utterances(explained_run):
    text = methods.paragraphs(open_context(explained_run))
    assert any("with SHAP (expected gradients) at most 10 of each language" in one for one in text)


@pytest.mark.parametrize("name", sorted(references.SYSTEMS))
def test_systems_of_others_are_cited_as_they_cite_themselves(name):
    own, cited = system_class(name).paper, references.system_paper(f"{name}-single-task")
    authors, _, title = own.partition(":")
    year = re.search(r"\d{4}$", own)
    assert year is not None
    assert f"({year[0]})" in cited
    assert authors.split(",")[0].split(" et al")[0].split()[-1] in cited
    assert title.split()[:4] == cited.partition(")")[2].split()[1:5]
    assert references.system_paper("msfl") == references.system_paper("linear-svm") == ""

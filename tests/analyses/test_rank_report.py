"""From attention to shared features and `msfl rank`, on a planted run of three languages."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from analyses.cells import collect
from analyses.commands.rank import rank as rank_command
from analyses.ranking_report import report, report_of_cells
from msfl.errors import DataError, UsageError
from msfl.manifest import DataInfo, FeatureInfo, Manifest, ProtocolInfo
from msfl.runs import KEYS, open_run

CONTOURS = ("F0final_sma", "jitterLocal_sma", *(f"mfcc_sma[{n}]" for n in range(10)))
FUNCTIONALS = ("amean", "stddev", "skewness", "kurtosis", "linregc1")
FEATURES = tuple(f"{contour}_{functional}" for contour in CONTOURS for functional in FUNCTIONALS)
SETS = {"de": ("de",), "en": ("en",), "zh": ("zh",), "de+en+zh": ("de", "en", "zh")}
EVERYWHERE = ("F0final_sma_amean", "jitterLocal_sma_amean")
OWN = {"de": "mfcc_sma[1]_amean", "en": "mfcc_sma[2]_amean", "zh": "mfcc_sma[3]_amean"}
EMOTIONS = ("anger", "sadness")


def attention(language_set, languages, model="msfl", seeds=(0, 1), folds=("f1", "f2")):
    """Two features lead everywhere, one in each language, and anger raises a feature of its own."""
    rng = np.random.default_rng(sum(map(ord, language_set)))
    rows = []
    for seed in seeds:
        for fold in folds:
            for language in languages:
                for number, emotion in enumerate(EMOTIONS * 2):
                    weights = dict.fromkeys(FEATURES, 1.0)
                    weights |= dict.fromkeys(EVERYWHERE, 10.0) | {OWN[language]: 8.0}
                    if emotion == "anger":
                        weights["F0final_sma_stddev"] = 20.0
                    raw = np.array(list(weights.values())) * rng.uniform(0.95, 1.05, len(weights))
                    key = (f"{language}/{fold}{number}", language, language, f"{language}/1")
                    rows.append([*key, language_set, model, fold, seed, *(raw / raw.sum())])
    return pd.DataFrame(rows, columns=[*KEYS, *FEATURES]).astype(dict.fromkeys(FEATURES, "float32"))


def table(sets=SETS, **options):
    return pd.concat([attention(name, found, **options) for name, found in sets.items()], ignore_index=True)


@pytest.fixture
def run_folder(tmp_path):
    folder = tmp_path / "run"
    (folder / "attributions").mkdir(parents=True)
    weights = table()
    weights.to_parquet(folder / "attributions" / "attention.parquet", index=False)
    ids = sorted(set(weights["utterance"]))
    emotions = [EMOTIONS[int(one[-1]) % 2] for one in ids]
    pd.DataFrame({"utterance": ids, "emotion": emotions}).to_parquet(
        folder / "utterances.parquet", index=False
    )
    manifest = Manifest(
        msfl_version="0",
        name="planted",
        created="2026-01-01T00:00:00",
        experiment={},
        versions={},
        features=FeatureInfo(set="IS10", count=len(FEATURES), fingerprint="0"),
        data=DataInfo(utterances=len(ids), fingerprint="0", failures=0, synthetic=True),
        protocol=ProtocolInfo(
            name="speaker-kfold:2", seed=0, title="speaker-independent", speaker_independent=True
        ),
        normalisation="train",
        language_sets=SETS,
        folds=("f1", "f2"),
    )
    (folder / "manifest.json").write_text(manifest.model_dump_json(), encoding="utf-8")
    return folder


def command(*arguments):
    result = CliRunner().invoke(
        rank_command, [str(one) for one in arguments], env={"COLUMNS": "160"}, catch_exceptions=False
    )
    assert result.exit_code == 0
    return result.output


def test_the_planted_shared_features_are_found():
    found = report_of_cells(collect([table()]), SETS, top=4)
    (comparison,) = found.comparisons
    assert (found.language_set, sorted(comparison.monolingual)) == ("de+en+zh", ["de", "en", "zh"])
    assert set(comparison.shared) == {*EVERYWHERE, "F0final_sma_stddev"}
    first = comparison.overlaps[0]
    assert first.lists == ("de+en+zh", "de alone", "en alone", "zh alone")
    assert (first.level, first.observed) == ("feature", 3)
    assert first.expected == pytest.approx(4**4 / 60**3)
    assert first.p_value < 1e-4
    own = comparison.table().loc[OWN["de"]]
    assert not own["shared"]
    assert own["rank_de"] == 4
    assert own["rank_zh"] > 4


def test_families_in_common_stand_beside_their_chance():
    comparison = report_of_cells(collect([table()]), SETS, top=4).comparisons[0]
    families = next(one for one in comparison.overlaps if one.level == "family")
    assert set(families.common) == {"pitch", "voice quality", "cepstrum"}
    assert 1 < families.expected < 3  # cepstrum, five sixths of the features, is common by chance alone


def test_emotions_have_their_own_lists():
    weights = table()
    emotions = pd.Series(
        [EMOTIONS[int(one[-1]) % 2] for one in weights["utterance"]], index=weights["utterance"]
    )
    found = report_of_cells(
        collect([weights], emotions[~emotions.index.duplicated()]), SETS, top=2, by="emotion"
    )
    leaders = {one.part: one.main.leaders for one in found.comparisons}
    assert leaders["anger"][0] == "F0final_sma_stddev"
    assert set(leaders["sadness"]) == set(EVERYWHERE)
    assert set(found.table()["part"]) == set(EMOTIONS)


def test_by_language_the_multilingual_model_meets_that_monolingual_one_only():
    found = report_of_cells(collect([table()]), SETS, top=4, by="language")
    for comparison in found.comparisons:
        assert list(comparison.monolingual) == [comparison.part]
        assert OWN[comparison.part] in comparison.shared


def test_one_language_is_said_to_share_nothing():
    found = report_of_cells(collect([attention("de", ("de",))]), {"de": ("de",)}, top=3)
    assert found.comparisons[0].overlaps == ()
    assert "shared" in found.table().columns
    assert not found.table()["shared"].any()
    assert "one language only" in found.notes[0]


def test_without_monolingual_models_the_reader_is_told_how_to_get_them():
    found = report_of_cells(collect([attention("de+en+zh", SETS["de+en+zh"])]), SETS)
    assert "no monolingual model" in found.notes[0]


def test_uniform_attention_is_called_so():
    weights = table()
    weights[list(FEATURES)] = np.float32(1 / len(FEATURES))
    found = report_of_cells(collect([weights]), SETS)
    assert any("nearly uniform" in note for note in found.notes)


def test_msfl_is_preferred_and_an_unknown_model_named():
    cells = collect([table(), table(model="msfl-paper")])
    assert report_of_cells(cells, SETS).model == "msfl"
    with pytest.raises(UsageError, match=re.escape("'svm' has no attention weights in this run.")):
        report_of_cells(cells, SETS, model="svm")
    with pytest.raises(UsageError, match=re.escape("Did you mean 'de+en+zh'")):
        report_of_cells(cells, SETS, language_set="de+en")


def test_a_run_without_attention_is_a_sentence(run_folder):
    (run_folder / "attributions" / "attention.parquet").unlink()
    with pytest.raises(DataError, match="has no attention weights"):
        report(open_run(run_folder))


@pytest.mark.parametrize(
    "options", [(), ("--by", "emotion"), ("--by", "language"), ("--level", "family"), ("--level", "contour")]
)
def test_the_command_prints_title_list_and_warning(run_folder, options):
    output = command(run_folder, "--top", "3", *options)
    assert "SYNTHETIC SPEECH; speaker-independent; normalisation: train; features: IS10" in output
    assert "Attention alone explains nothing" in output
    assert "by chance" in output


def test_the_command_says_features_in_words(run_folder):
    output = command(run_folder, "--top", "3")
    assert "F0final_sma_amean" in output
    assert "mean of the pitch contour" in output
    assert "± " in output
    assert "yes" in output


def test_families_show_their_size_beside_their_sum(run_folder):
    output = command(run_folder, "--level", "family")
    assert re.search(r"cepstrum .* 50 .*\n.*\(83.3%\)", output)
    assert "not by their sum" in re.sub(r"\s+", " ", output)


def test_csv_and_json_hold_the_whole_list_and_the_repeats(run_folder, tmp_path):
    command(run_folder, "--top", "3", "--csv", tmp_path / "a.csv", "--json", tmp_path / "a.json")
    listed = pd.read_csv(tmp_path / "a.csv")
    assert len(listed) == len(FEATURES)
    assert listed["rank"].tolist() == sorted(listed["rank"])
    assert {"in_words", "lift", "mean_rank", "sd_rank", "in_top", "rank_de", "shared"} <= set(listed.columns)
    written = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert written["parts"][0]["shared"] == listed.loc[listed["shared"], "name"].tolist()
    assert len(written["parts"][0]["repeats"]) == 4
    assert {one["level"] for one in written["parts"][0]["overlaps"]} == {"feature", "contour", "family"}


def test_a_missing_folder_for_the_csv_is_a_sentence(run_folder, tmp_path):
    file = tmp_path / "no" / "a.csv"
    with pytest.raises(UsageError, match="does not exist"):
        report(open_run(run_folder)).write_csv(file)
    refused = CliRunner().invoke(rank_command, [str(run_folder), "--csv", str(file)])
    assert refused.exit_code == 2
    assert "There is no folder" in refused.output
    with pytest.raises(UsageError, match="--top 0"):
        CliRunner().invoke(rank_command, [str(run_folder), "--top", "0"], catch_exceptions=False)

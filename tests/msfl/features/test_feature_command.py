"""`msfl feature`: one feature in words, lists, and mistakes."""

from __future__ import annotations

import json
import re

import pytest
from click.testing import CliRunner

from msfl.commands.feature import feature
from msfl.errors import UsageError
from msfl.features.sets import feature_names


def run(*arguments):
    result = CliRunner().invoke(feature, list(arguments), env={"COLUMNS": "200"}, catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def test_one_feature_in_words():
    output = run("F0final_sma_linregc1")
    assert "slope of a straight line fitted through the pitch contour" in output
    assert "does the voice rise or fall over the utterance?" in output
    assert "Hz per frame" in output
    assert "IS10" in output


def test_json_is_complete():
    found = json.loads(run("pcm_RMSenergy_sma_maxPos", "--set", "IS13", "--json"))
    assert (found["family"], found["unit"]) == ("loudness", "share of the utterance")
    assert "IS09" in found["sets"]


def test_a_partial_name_lists_its_candidates():
    found = json.loads(run("F0final", "--set", "IS10", "--json"))
    assert {one["name"] for one in found} == {name for name in feature_names("IS10") if "F0final" in name}


def test_a_list_by_family_and_words():
    found = json.loads(run("--set", "IS10", "--family", "pitch", "--search", "slope straight", "--json"))
    names = {one["name"] for one in found}
    assert "F0final_sma_linregc1" in names
    assert all(name.endswith("linregc1") for name in names)
    assert {one["family"] for one in found} == {"pitch"}


def test_a_square_bracket_in_a_name_is_printed():
    assert "mfcc_sma[3]_amean" in run("mfcc_sma[3]_amean")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["F0finl_sma_amean"], "Did you mean 'F0final_sma_amean'"),
        (["F0final_sma_amean", "--set", "eGeMAPSv02"], "The set eGeMAPSv02 has no feature"),
        (["--set", "IS1o"], "There is no feature set 'IS1o'"),
        (["--set", "IS10", "--family", "pich"], "Did you mean 'pitch'"),
        (["--set", "IS10", "--search", "unicorn"], "no feature with these words"),
        ([], "Name a feature"),
    ],
)
def test_mistakes_are_sentences(arguments, sentence):
    with pytest.raises(UsageError, match=re.escape(sentence)):
        CliRunner().invoke(feature, arguments, catch_exceptions=False)

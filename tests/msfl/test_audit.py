"""Tables, findings and the JSON of the audit, on tables whose truth is known."""

import json

import pandas as pd
import pytest

from msfl.audit import Audit, audit
from msfl.audit.findings import counted, listed
from msfl.audit.recordings import DTYPES
from msfl.corpora.table import validate
from msfl.errors import DataError

EMOTIONS = ("anger", "fear", "happiness", "sadness")


def corpus(name="a", language="de", speakers=8, emotions=EMOTIONS, takes=3, **labels):
    """Every speaker says every emotion `takes` times, half of them women: nothing is confounded."""
    rows = []
    for speaker in range(speakers):
        for emotion in emotions:
            for take in range(takes):
                key = f"{name}/{speaker}-{emotion}-{take}"
                rows.append(
                    {
                        "utterance": key,
                        "file": f"{key}.wav",
                        "corpus": name,
                        "language": language,
                        "speaker": f"{name}/{speaker}",
                        "gender": ("female", "male")[speaker % 2],
                        "emotion": emotion,
                        "text": f"t{take}",
                        "naturalness": "acted",
                    }
                    | labels
                )
    return validate(pd.DataFrame(rows))


def sound_recordings(table, **changes):
    """Measurements of recordings without any fault."""
    frame = pd.DataFrame(
        {
            "file": table["file"],
            "problem": None,
            "duration": 2.0,
            "sampling_rate": 16000,
            "channels": 1,
            "encoding": "WAV/PCM_16",
            "peak": -3.0,
            "level": -20.0,
            "clipped": 0.0,
            "hash": list(table.index),
            "size": 1,
            "modified": 1,
        },
        index=table.index,
    ).astype(DTYPES)
    for column, values in changes.items():
        for key, value in values.items():
            frame.loc[key, column] = value
    return frame


def run(table, **changes):
    return audit(table, recordings=sound_recordings(table, **changes))


def found(result, topic, corpus=None, level=None):
    return [
        f
        for f in result.findings
        if f.topic == topic and corpus in (None, f.corpus) and level in (None, f.level)
    ]


def test_a_sound_corpus_has_no_finding():
    assert run(corpus()).findings == []


def test_counts():
    result = run(pd.concat([corpus("a", "de"), corpus("b", "it", speakers=6, emotions=("anger", "calm"))]))
    speakers = result.speakers_by_corpus.set_index("corpus")
    assert speakers.loc["a", ["utterances", "speakers", "female", "male", "least", "most"]].tolist() == [
        96, 8, 4, 4, 12, 12,
    ]  # fmt: skip
    emotions = result.emotions_by_language.set_index("emotion")
    assert emotions.loc["anger"].to_dict() == {"de": 24, "it": 18}
    assert emotions.loc["calm"].to_dict() == {"de": 0, "it": 18}
    assert emotions.index[0] == "anger"  # the only shared one comes first
    assert result.durations.set_index("corpus").loc["a", "minutes"] == pytest.approx(96 * 2 / 60)


def test_speakers_with_one_emotion_only_are_said_to_forbid_random_splits_and_speaker_normalisation():
    table = corpus(speakers=16)
    table["speaker"] = [
        f"a/{emotion}{speaker.removeprefix('a/')}"
        for speaker, emotion in zip(table["speaker"], table["emotion"], strict=True)
    ]
    (finding,) = found(run(table), "speaker", "a", "serious")
    assert "64 of 64 speakers occur with one emotion only" in finding.sentence
    assert "random split" in finding.consequence
    assert "speaker-independent splits only" in finding.consequence
    assert "erases the label; use `train` normalisation" in finding.consequence


def test_speakers_with_few_recordings_are_not_confounded_by_chance():
    table = corpus(speakers=60).sample(60, random_state=0)
    assert (table.groupby("speaker")["emotion"].nunique() == 1).mean() > 0.5
    assert not found(run(table), "speaker")


def test_few_speakers_with_most_recordings_are_named():
    table = corpus(speakers=20, takes=1)
    table = pd.concat([table, corpus(speakers=5, takes=30).rename(lambda key: f"{key}-more")])
    (finding,) = found(run(table), "speaker")
    assert finding.level == "note"
    assert "make up 620 of 680 recordings" in finding.sentence


def test_sentence_and_gender_that_tell_the_emotion():
    table = corpus()
    table["text"] = table["emotion"] + table["text"]
    table["gender"] = (
        table["emotion"].map(lambda e: "female" if e in ("anger", "fear") else "male").astype("string")
    )
    result = run(table)
    assert "Sentence and emotion are confounded (Cramer's V 0.96" in found(result, "text")[0].sentence
    assert found(result, "gender")[0].level == "serious"
    row = result.confounds.set_index(["corpus", "first"]).loc[("a", "speaker")]
    assert row["strength"] == "none"


def test_a_sentence_of_its_own_for_each_recording_is_no_confound():
    table = corpus()
    table["text"] = table.index.astype("string")
    (finding,) = found(run(table), "text")
    assert finding.level == "note"


def test_one_emotion_and_rare_emotion_and_lonely_speaker():
    assert "Only one emotion occurs: fear" in found(run(corpus(emotions=("fear",))), "emotion")[0].sentence
    table = corpus()
    table = table[(table["emotion"] != "fear") | (table["speaker"] == "a/0")]
    sentences = " ".join(f.sentence for f in found(run(table), "emotion"))
    assert "One speaker only has fear" in sentences
    assert "Fewer than 10 recordings have fear" in sentences


def test_missing_labels():
    table = corpus()
    table.loc[table.index[:5], "emotion"] = pd.NA
    table["speaker"] = pd.NA
    levels = {f.sentence: f.level for f in found(run(validate(table)), "labels")}
    assert levels == {
        "The emotion of 5 recordings of 96 is not known.": "warning",
        "The speaker of all recordings is not known.": "serious",
    }


def test_languages_together():
    table = pd.concat(
        [
            corpus("a", "de", emotions=("anger", "sadness", "boredom")),
            corpus("b", "ur", emotions=("anger", "sadness"), naturalness="spontaneous"),
            corpus("c", "ko", emotions=("anger", "sadness"), speakers=1, takes=12),
        ]
    )
    rates = {key: 44100 for key in table.index if key.startswith("b/")}
    result = run(table, sampling_rate=rates)
    text = " ".join(f.sentence for f in result.findings if f.corpus == "all")
    assert "The language ko has one speaker." in text
    assert "Each language comes from one corpus" in text
    assert "(acted: de and ko; spontaneous: ur)" in text
    assert "16 kHz: de and ko; 44.1 kHz: ur" in text
    assert "2 of 3 emotions occur in every language: anger and sadness" in text
    assert "In one language only: boredom (de)" in text
    across = result.confounds[result.confounds["corpus"] == "all"].set_index("first")["cramers_v"]
    assert across["corpus"] == pytest.approx(1.0, abs=0.01)


def test_a_rate_below_16_khz_is_said_to_stay_a_label():
    table = pd.concat([corpus("a", "de"), corpus("b", "it")])
    rates = {key: 8000 for key in table.index if key.startswith("b/")}
    (finding,) = found(run(table, sampling_rate=rates), "recording format", "all")
    assert finding.level == "warning"
    assert "(it)" in finding.consequence


def test_two_corpora_of_each_language_lift_the_warning():
    names = (("a", "de"), ("b", "de"), ("c", "it"), ("d", "it"))
    result = run(pd.concat([corpus(*name) for name in names]))
    assert not found(result, "language")


def test_no_shared_emotion_is_serious():
    table = pd.concat(
        [corpus("a", "de", emotions=("anger", "fear")), corpus("b", "it", emotions=("calm", "joy"))]
    )
    assert found(run(table), "emotion", "all", "serious")


def test_duplicates_by_kind():
    table = corpus()
    hashes = {
        "a/0-anger-0": "same labels",
        "a/0-anger-1": "same labels",
        "a/1-anger-0": "emotions",
        "a/1-fear-0": "emotions",
        "a/2-fear-0": "speakers",
        "a/3-fear-0": "speakers",
    }
    result = run(table, hash=hashes)
    levels = {f.sentence.partition(":")[0]: f.level for f in found(result, "duplicates")}
    assert levels == {
        "1 recording is there more than once with different emotions": "serious",
        "1 recording is there more than once under different speakers": "serious",
        "1 recording is there more than once with the same labels": "warning",
    }
    assert result.duplicates["group"].nunique() == 3
    assert len(result.duplicates) == 6


def test_duplicates_across_corpora_belong_to_all():
    table = pd.concat([corpus("a"), corpus("b")])
    result = run(table, hash={"a/0-anger-0": "x", "b/0-anger-0": "x"})
    (finding,) = found(result, "duplicates")
    assert finding.corpus == "all"
    assert "a/0-anger-0 = b/0-anger-0" in finding.sentence


def test_faults_and_their_limits():
    table = corpus()
    keys = list(table.index)
    result = run(
        table,
        problem={keys[0]: f"'{table['file'].iloc[0]}' is an empty file."},
        peak={keys[1]: float("-inf"), keys[2]: -79.0},
        level={keys[1]: float("-inf"), keys[2]: -90.0, keys[3]: -54.1, keys[4]: -53.9},
        duration={keys[5]: 0.05, keys[6]: 0.2, keys[7]: 0.3},
        clipped={keys[8]: 0.001, keys[9]: 0.00005},
    )
    assert list(result.faults[["utterance", "fault"]].itertuples(index=False, name=None)) == [
        (keys[0], "unreadable"),
        (keys[1], "silent"),
        (keys[5], "too short"),
        (keys[6], "very short"),
        (keys[2], "very quiet"),
        (keys[3], "very quiet"),
        (keys[8], "clipped"),
    ]
    assert result.unreadable == 1
    assert result.faults["detail"].iloc[0] == "is an empty file."
    assert [f.level for f in found(result, "files")] == ["serious"] * 3 + ["warning"] * 3


def test_silent_recordings_are_not_called_duplicates():
    table = corpus()
    silent = {key: float("-inf") for key in table.index[:4]}
    result = run(table, hash=dict.fromkeys(silent, "zeros"), peak=silent, level=silent)
    assert result.duplicates.empty


def test_findings_come_gravest_first():
    table = corpus()
    result = run(table, clipped={table.index[0]: 0.1}, duration={table.index[1]: 0.01})
    assert [f.level for f in result.findings] == ["serious", "warning"]


def test_json_round_trip():
    table = pd.concat([corpus("a", "de"), corpus("b", "it", emotions=("anger", "calm"))])
    table["text"] = pd.NA
    before = run(table, clipped={"a/0-anger-0": 0.1}, hash={"a/0-fear-1": "x", "a/1-anger-1": "x"})
    after = Audit.from_json(before.to_json())
    assert after.findings == before.findings
    for name in before.__dataclass_fields__:
        if name != "findings":
            pd.testing.assert_frame_equal(getattr(after, name), getattr(before, name), check_index_type=False)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"format": "other"}', '{"format": "msfl-audit", "version": 1, "tables": {}}']
)
def test_foreign_json_is_refused_in_one_sentence(text):
    with pytest.raises(DataError, match="run `msfl scan` again"):
        Audit.from_json(text)


def test_an_audit_of_another_version_says_so():
    text = json.dumps(json.loads(run(corpus()).to_json()) | {"version": 99})
    with pytest.raises(DataError, match="version 99"):
        Audit.from_json(text)


def test_phrases():
    assert listed(["a"]) == "a"
    assert listed(list("abcdefgh"), limit=3) == "a, b and 6 more"
    assert counted(1, "file") == "1 file"
    assert counted(1200, "file") == "1,200 files"

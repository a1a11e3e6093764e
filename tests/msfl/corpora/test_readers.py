"""Every reader on a tiny corpus in its native layout."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import soundfile

from msfl import corpora
from msfl.corpora.table import COLUMNS
from msfl.errors import DataError


@dataclass(frozen=True)
class Layout:
    """Recordings of a corpus, what must be read from the first of them, and files beside them."""

    reader: str
    files: tuple[str, ...]
    first: dict[str, Any]
    beside: dict[str, str] = field(default_factory=dict)


EVALUATION = (
    "% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n\n"
    "[6.2901 - 8.2357]\tSes01F_impro01_M000\texc\t[4.5000, 3.5000, 2.0000]\nC-E2:\tNeutral;\t()\n"
    "[9.0000 - 9.9000]\tSes01F_impro01_F001\txxx\t[5.5000, 2.0000, 1.5000]\n"
)
IMPROV = (
    "UTD-IMPROV-S01A-F01-R-FM01.avi; A; A:4.2; V:1.8; D:3.0 ; N:4.1;\n"
    "WORKER1; Angry; Angry,; A:4.0; V:2.0; D:3.0; N:4.0;\n"
    "UTD-IMPROV-S05S-M02-P-FM02.avi; X; A:2.2; V:2.9; D:NaN ; N:4.1;\n"
)
LAYOUTS = (
    Layout(
        "emodb",
        ("wav/03a01Fa.wav", "wav/08b10Wb.wav", "wav/16a02Ec.wav"),
        {
            "emotion": "happiness",
            "emotion_original": "F",
            "speaker": "emodb/03",
            "gender": "male",
            "text": "a01",
            "language": "de",
            "naturalness": "acted",
            "arousal_level": "high",
            "valence_level": "high",
            "levels_source": "mapped",
        },
    ),
    Layout(
        "casia",
        (
            "liuchanhg/angry/201.wav",
            "ZhaoZuoxiang/angry/201.wav",
            "ZhaoZuoxiang/surprise/201.wav",
        ),
        {
            "emotion": "anger",
            "speaker": "casia/liuchanhg",
            "gender": "female",
            "text": "201",
            "language": "zh",
        },
    ),
    Layout(
        "savee",
        ("DC/a01.wav", "JE/a01.wav", "DC/sa01.wav", "DC/su01.wav"),
        {"emotion": "anger", "speaker": "savee/DC", "gender": "male", "language": "en-GB"},
    ),
    Layout(
        "savee",
        ("DC_sa03.wav", "KL_a01.wav"),
        {"emotion": "sadness", "emotion_original": "sa", "speaker": "savee/DC"},
    ),
    Layout(
        "ravdess",
        ("Actor_12/03-01-06-01-02-01-12.wav", "Actor_01/03-01-08-02-01-02-01.wav"),
        {
            "emotion": "fear",
            "speaker": "ravdess/12",
            "gender": "female",
            "text": "Dogs are sitting by the door",
            "language": "en-US",
        },
    ),
    Layout(
        "emovo",
        ("f1/dis-f1-b1.wav", "m3/gio-m3-n5.wav"),
        {"emotion": "disgust", "speaker": "emovo/f1", "gender": "female", "text": "b1", "language": "it"},
    ),
    Layout(
        "urdu",
        ("Angry/SM1_F10_A010.wav", "Sad/SF10_F1_S001.wav"),
        {
            "emotion": "anger",
            "speaker": "urdu/SM1",
            "gender": "male",
            "language": "ur",
            "naturalness": "spontaneous",
        },
    ),
    Layout(
        "emotiontts",
        tuple(
            f"Dataset/Emotional/{name[:3]}/wav/{name}.wav" for name in ("ema00101", "nek00100", "nee00400")
        ),
        {
            "emotion": "happiness",
            "speaker": "emotiontts/ema",
            "gender": "female",
            "text": "기뻐요.",
            "language": "ko",
        },
        {"Dataset/Emotional/ema/transcript/ema00101.txt": "\ufeff기뻐요.\n"},
    ),
    Layout(
        "cremad",
        ("AudioWAV/1002_DFA_ANG_XX.wav", "AudioWAV/1001_IEO_SAD_HI.wav", "AudioWAV/1040_ITH_SAD_X.wav"),
        {"emotion": "anger", "speaker": "cremad/1002", "gender": "female", "text": "DFA"},
    ),
    Layout(
        "tess",
        ("YAF_pleasant_surprised/YAF_back_ps.wav", "OAF_neutral/OA_bite_neutral.wav"),
        {
            "emotion": "surprise",
            "speaker": "tess/YAF",
            "gender": "female",
            "text": "back",
            "language": "en-CA",
        },
    ),
    Layout(
        "nemo",
        ("samples/WR0_surprised_64.wav", "samples/EB0_neutral_13.wav"),
        {"emotion": "surprise", "speaker": "nemo/WR0", "gender": "male", "text": "Ucho.", "language": "pl"},
        {
            "data.tsv": "file_id\temotion\traw_text\tnormalized_text\tspeaker_id\tgender\tage\n"
            "EB0_surprised_64.wav\tsurprised\tUcho.\tucho\tEB0\tfemale\t23\n"
        },
    ),
    Layout(
        "turev",
        ("Sound Source/Angry/1157_kz_acik.wav", "Sound Source/Sad/1234_uz_acik.wav"),
        {"emotion": "anger", "speaker": "turev/1157", "gender": None, "text": "acik", "language": "tr"},
    ),
    Layout(
        "eyase",
        ("Female01/fm01_ang (1).wav", "Male02/mm02_hap (1).wav", "Male02/mm02_hap(2).wav"),
        {"emotion": "anger", "speaker": "eyase/fm01", "gender": "female", "language": "ar-EG"},
    ),
    Layout(
        "iemocap",
        (
            "Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_M000.wav",
            "Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F001.wav",
            "Session2/sentences/wav/Ses02M_script01_1/Ses02M_script01_1_FXX1.wav",
        ),
        {
            "emotion": "excitement",
            "emotion_original": "exc",
            "speaker": "iemocap/Ses01M",
            "gender": "male",
            "valence": 4.5,
            "arousal": 3.5,
            "dominance": 2.0,
            "valence_level": "high",
            "arousal_level": "mid",
            "dominance_level": "low",
            "levels_source": "rated",
            "naturalness": "elicited",
            "text": "Excuse me.",
        },
        {
            "Session1/dialog/EmoEvaluation/Ses01F_impro01.txt": EVALUATION,
            "Session1/dialog/EmoEvaluation/._Ses01F_impro01.txt": "\x00\x05",
            "Session1/dialog/transcriptions/Ses01F_impro01.txt": (
                "Ses01F_impro01_M000 [006.2901-008.2357]: Excuse me.\n"
            ),
        },
    ),
    Layout(
        "msp_improv",
        (
            "session1/S01A/R/MSP-IMPROV-S01A-F01-R-FM01.wav",
            "session2/S05S/P/MSP-IMPROV-S05S-M02-P-FM02.wav",
        ),
        {
            "emotion": "anger",
            "speaker": "msp_improv/F01",
            "gender": "female",
            "arousal": 4.2,
            "valence": 1.8,
            "arousal_level": "high",
            "valence_level": "low",
            "naturalness": "acted",
            "text": "S01",
        },
        {"Evaluation.txt": IMPROV},
    ),
)
each_layout = pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.reader)


def sound(file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(file, np.zeros(80, dtype=np.float32), 8000)
    return file


def build(root: Path, layout: Layout, suffix: str = ".wav") -> None:
    for name in layout.files:
        sound((root / name).with_suffix(suffix))
    for name, text in layout.beside.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")


@each_layout
@pytest.mark.parametrize("suffix", [".wav", ".flac", ".WAV"])
def test_native_layout_becomes_rows(tmp_path: Path, layout: Layout, suffix: str) -> None:
    build(tmp_path, layout, suffix)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = corpora.load(f"{layout.reader}={tmp_path}")

    assert list(table.columns) == list(COLUMNS)
    assert len(table) == len(layout.files)
    assert table.index.is_unique
    assert table.index.str.startswith(f"{layout.reader}/").all()
    assert table["speaker"].str.startswith(f"{layout.reader}/").all()
    assert all(Path(file).is_absolute() and Path(file).is_file() for file in table["file"])
    first = table[table["file"] == str((tmp_path / layout.files[0]).with_suffix(suffix))].iloc[0]
    read = {key: None if pd.isna(first[key]) else first[key] for key in layout.first}
    assert read == layout.first


@each_layout
def test_label_names_the_corpus_and_its_speakers(tmp_path: Path, layout: Layout) -> None:
    build(tmp_path, layout)
    table = corpora.load(f"{layout.reader}:mine={tmp_path}")
    assert set(table["corpus"]) == {"mine"}
    assert table.index.str.startswith("mine/").all()
    assert table["speaker"].str.startswith("mine/").all()


@each_layout
def test_emotions_are_those_of_the_facts(tmp_path: Path, layout: Layout) -> None:
    build(tmp_path, layout)
    table = corpora.load(f"{layout.reader}={tmp_path}")
    assert set(table["emotion"].dropna()) <= set(corpora.get_reader(layout.reader).emotions)


@each_layout
def test_other_recordings_are_reported_and_litter_is_not(tmp_path: Path, layout: Layout) -> None:
    build(tmp_path, layout)
    name = Path(layout.files[0])
    (tmp_path / name.parent / f"._{name.name}").write_bytes(b"litter of an archive")
    sound(tmp_path / ".cache" / name.name)
    sound(tmp_path / "zz_something_else.wav")
    with pytest.warns(corpora.CorpusWarning, match=r"1 of \d+ recordings .*zz_something_else") as caught:
        table = corpora.load(f"{layout.reader}={tmp_path}")
    assert len(caught) == 1
    assert len(table) == len(layout.files)


@each_layout
def test_wrong_layout_says_what_was_expected_and_found(tmp_path: Path, layout: Layout) -> None:
    with pytest.raises(DataError, match=r"expected .*, found no wav or flac file"):
        corpora.load(f"{layout.reader}={tmp_path}")
    sound(tmp_path / "sub" / "zz_something_else.wav")
    with pytest.raises(
        DataError, match=r"expected .*, found 1 wav or flac files of another layout, first 'sub"
    ):
        corpora.load(f"{layout.reader}={tmp_path}")
    with pytest.raises(DataError, match="it is a file, not a folder"):
        corpora.load(f"{layout.reader}={sound(tmp_path / 'one.wav')}")


def test_every_corpus_of_the_registry_is_tested_by_its_layout() -> None:
    assert {layout.reader for layout in LAYOUTS} == set(corpora.MODULES) - {"demo", "manifest", "audformat"}


def test_tables_are_read_without_sound(tmp_path: Path) -> None:
    (tmp_path / "03a01Fa.wav").write_bytes(b"no sound at all")
    assert corpora.load(f"emodb={tmp_path}")["emotion"].tolist() == ["happiness"]


def test_one_corpus_as_wav_and_flac_at_once_is_an_error(tmp_path: Path) -> None:
    build(tmp_path, LAYOUTS[0])
    build(tmp_path, LAYOUTS[0], ".flac")
    with pytest.raises(DataError, match="3 utterance ids occur more than once"):
        corpora.load(f"emodb={tmp_path}")


def test_ravdess_leaves_out_song_and_video(tmp_path: Path) -> None:
    for name in ("03-01-06-01-02-01-12", "03-02-06-01-02-01-12", "01-01-06-01-02-01-12"):
        sound(tmp_path / f"{name}.wav")
    with pytest.warns(corpora.CorpusWarning, match="2 of 3 recordings"):
        table = corpora.load(f"ravdess={tmp_path}")
    assert table.index.tolist() == ["ravdess/03-01-06-01-02-01-12"]


def test_iemocap_without_majority_has_ratings_but_no_emotion(tmp_path: Path) -> None:
    build(tmp_path, next(layout for layout in LAYOUTS if layout.reader == "iemocap"))
    sound(tmp_path / "Session1/dialog/wav/Ses01F_impro01.wav")
    table = corpora.load(f"iemocap={tmp_path}")
    unclear = table.loc["iemocap/Ses01F_impro01_F001"]
    assert pd.isna(unclear["emotion"])
    assert unclear["emotion_original"] == "xxx"
    assert unclear["valence"] == 5.0  # a mean of 5.5 is clipped to the scale
    unrated = table.loc["iemocap/Ses02M_script01_1_FXX1"]
    assert unrated[["emotion", "arousal", "arousal_level", "levels_source"]].isna().all()
    assert unrated["naturalness"] == "acted"
    assert unrated["speaker"] == "iemocap/Ses02F"


def test_msp_improv_needs_its_ratings_and_doubts_a_reversed_scale(tmp_path: Path) -> None:
    layout = next(layout for layout in LAYOUTS if layout.reader == "msp_improv")
    build(tmp_path, Layout(layout.reader, layout.files, {}))
    with pytest.raises(DataError, match=r"no Evaluation\.txt"):
        corpora.load(f"msp_improv={tmp_path}")
    (tmp_path / "Evaluation.txt").write_text(IMPROV.replace("; X; A:2.2", "; S; A:4.9"))
    with pytest.warns(corpora.CorpusWarning, match="more aroused than anger"):
        corpora.load(f"msp_improv={tmp_path}")

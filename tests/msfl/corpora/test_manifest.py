from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from msfl import corpora
from msfl.corpora import manifest
from msfl.errors import DataError


def write(folder: Path, text: str, name: str = "table.csv") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("one.wav", "two.flac", "sub/one.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def test_all_columns_are_read(folder: Path) -> None:
    path = write(
        folder,
        "utterance,file,language,emotion,speaker,gender,text,naturalness,arousal,valence,dominance\n"
        "first,one.wav,de-at,Wut,anna,F,Guten Tag,spontaneous,4.5,1,3\n"
        ",two.flac,en-GB,,,,,,,,\n",
    )
    table = corpora.load(f"manifest:calls={path}")
    row = table.loc["calls/first"]
    assert row["file"] == str(folder / "one.wav")
    known = ["language", "emotion", "emotion_original", "speaker", "gender", "text", "naturalness"]
    assert row[known].tolist() == [
        "de-AT", "anger", "Wut", "calls/anna", "female", "Guten Tag", "spontaneous",
    ]  # fmt: skip
    assert row[["arousal_level", "valence_level", "dominance_level", "levels_source"]].tolist() == [
        "high", "low", "mid", "rated",
    ]  # fmt: skip
    bare = table.loc["calls/two"]
    assert (
        bare[["emotion", "emotion_original", "speaker", "gender", "text", "naturalness", "arousal"]]
        .isna()
        .all()
    )


@pytest.mark.parametrize(
    ("name", "separator"), [("table.csv", ","), ("table.csv", ";"), ("table.tsv", "\t"), ("TABLE.CSV", ",")]
)
def test_separators_and_synonyms(folder: Path, name: str, separator: str) -> None:
    lines = [
        ("\ufeffPath", "Lang", "Label", "Sex"),
        ("one.wav", "de", "joy", "w"),
        ("two.flac", "de", "SAD", "m"),
    ]
    path = write(folder, "\n".join(separator.join(line) for line in lines), name)
    table = corpora.load(f"manifest={path}")
    assert table["emotion"].tolist() == ["happiness", "sadness"]
    assert table["gender"].tolist() == ["female", "male"]
    assert table.index.tolist() == ["manifest/one", "manifest/two"]


def test_files_are_relative_to_the_table(folder: Path) -> None:
    (folder / "tables").mkdir()
    path = write(folder / "tables", "file,language,emotion\n../one.wav,de,anger\n..\\two.flac,de,anger\n")
    table = corpora.load(f"manifest={path}")
    assert table["file"].tolist() == [str(folder / "one.wav"), str(folder / "two.flac")]


def test_parquet_and_absolute_files(folder: Path) -> None:
    path = folder / "tables" / "table.parquet"
    path.parent.mkdir()
    pd.DataFrame(
        {"file": [str(folder / "one.wav")], "language": ["de"], "emotion": ["anger"], "arousal": [4]}
    ).to_parquet(path)
    table = corpora.load(f"manifest={path}")
    assert table["file"].tolist() == [str(folder / "one.wav")]
    assert table["arousal_level"].tolist() == ["high"]


def test_repeated_stems_become_paths(folder: Path) -> None:
    path = write(folder, "file,language,emotion\none.wav,de,anger\nsub/one.wav,de,anger\n")
    assert corpora.load(f"manifest={path}").index.tolist() == ["manifest/one", "manifest/sub/one"]


def test_a_table_of_several_corpora_is_read_back_as_it_was(folder: Path) -> None:
    (folder / "03a01Fa.wav").touch()
    (folder / "dis-f1-b1.wav").touch()
    with pytest.warns(corpora.CorpusWarning):
        original = corpora.load(f"emodb={folder}")
    with pytest.warns(corpora.CorpusWarning):
        original = pd.concat([original, corpora.load(f"emovo={folder}")])
    original.to_parquet(folder / "table.parquet")
    pd.testing.assert_frame_equal(corpora.load(f"manifest={folder / 'table.parquet'}"), original)
    renamed = corpora.load(f"manifest:all={folder / 'table.parquet'}")
    assert renamed.index.tolist() == ["all/03a01Fa", "all/dis-f1-b1"]
    assert renamed["speaker"].tolist() == ["emodb/03", "emovo/f1"]  # still the same people


def test_a_speaker_of_another_corpus_is_not_claimed_twice(folder: Path) -> None:
    (folder / "emodb").mkdir()
    (folder / "emodb" / "03a01Fa.wav").touch()
    path = write(folder, "file,language,emotion,speaker\none.wav,de,anger,emodb/03\n")
    with pytest.raises(DataError, match="'emodb' and 'more' both claim the speaker 'emodb/03'"):
        corpora.load_all([f"emodb={folder / 'emodb'}", f"manifest:more={path}"])


def test_missing_files_are_reported_and_stay_rows(folder: Path) -> None:
    path = write(folder, "file,language,emotion\none.wav,de,anger\ngone.wav,de,anger\n")
    with pytest.warns(corpora.CorpusWarning, match=r"1 of 2 files of .* do not exist, first '.*gone.wav'"):
        table = corpora.load(f"manifest={path}")
    assert table.index.tolist() == ["manifest/gone", "manifest/one"]


def test_labels_without_recordings_are_the_same_table(folder: Path) -> None:
    path = write(folder, "file,language,emotion,corpus\none.wav,de,anger,a\ntwo.flac,de,joy,b\n")
    for label in (None, "mine"):
        spec = f"manifest:{label}={path}" if label else f"manifest={path}"
        present = corpora.load(spec)
        for name in ("one.wav", "two.flac"):
            (folder / name).unlink()
        pd.testing.assert_frame_equal(manifest.without_recordings(path, label), present)
        for name in ("one.wav", "two.flac"):
            (folder / name).touch()
    with pytest.raises(DataError, match="no manifest"):
        manifest.without_recordings(folder / "gone.csv")


def test_labels_of_ones_own_are_declared_beside_the_table(folder: Path) -> None:
    path = write(folder, "file,language,emotion\none.wav,pt,saudade\n")
    with pytest.raises(DataError, match=r"labels\.toml"):
        corpora.load(f"manifest={path}")
    write(folder, '[emotions]\nsaudade = "longing"\n', "labels.toml")
    table = corpora.load(f"manifest={path}")
    assert table[["emotion", "emotion_original"]].to_numpy().tolist() == [["longing", "saudade"]]
    assert table[["arousal_level", "levels_source"]].isna().all(axis=None)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("file,emotion\none.wav,anger\n", "no column 'language'.* It has file, emotion; needed are file, l"),
        ("file,language\none.wav,de\n", "has no column 'emotion'"),
        ("fiel,language,emotion\none.wav,de,anger\n", "no column 'file'. Did you mean 'fiel'"),
        ("file,language,emotion\none.wav,de,anger\ntwo.flac,de,angs!\n", "Row 2 of .*'angs!' is not known"),
        ("file,language,emotion\n,de,anger\n", "Row 1 .* names no file"),
        ("file,language,emotion\none.wav,,anger\n", "Row 1 .* names no language"),
        ("file,language,emotion\none.wav,German,anger\n", "'German' .* not a BCP 47 tag"),
        ("file,language,emotion,sex\none.wav,de,anger,?\n", r"Row 1 .* gender '\?' is not female"),
        ("file,language,emotion,valence\none.wav,de,anger,9\n", "Row 1 .* valence '9' is no rating from 1"),
        ("file,language,emotion,valence\none.wav,de,anger,good\n", "valence 'good' is no rating"),
        ("file,language,emotion\ngone.wav,de,anger\n", "No file of the manifest .* exists.*relative to"),
        ("file,language,emotion\n", "has no rows"),
        ("", "is empty; it needs columns file, language, emotion"),
        ("file,language,emotion,id\none.wav,de,anger,a\ntwo.flac,de,anger,a\n", "ids occur more than once"),
    ],
)  # fmt: skip
def test_mistakes_are_one_sentence(folder: Path, text: str, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        corpora.load(f"manifest={write(folder, text)}")


def test_files_that_are_no_table_are_refused(folder: Path) -> None:
    for path in (folder, folder / "one.wav"):
        with pytest.raises(DataError, match=r"expected a \.csv, \.tsv or \.parquet file"):
            corpora.load(f"manifest={path}")
    (folder / "damaged.parquet").write_bytes(b"nothing")
    (folder / "latin.csv").write_bytes("file,language,emotion\none.wav,de,Ärger\n".encode("latin-1"))
    for name, sentence in (
        ("damaged.parquet", "cannot be read"),
        ("latin.csv", "is not UTF-8 text; save it"),
    ):
        with pytest.raises(DataError, match=f"{name}' {sentence}"):
            corpora.load(f"manifest={folder / name}")

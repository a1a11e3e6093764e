from __future__ import annotations

from pathlib import Path
from typing import Any

import audformat
import pandas as pd
import pytest

from msfl import corpora
from msfl.errors import DataError

FILES = ["wav/a.wav", "wav/b.wav", "wav/c.wav"]


def database(folder: Path, *, languages: list[str] | None = None) -> Any:
    for name in FILES:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    db = audformat.Database("mine", languages=languages or [])
    db.schemes["emotion"] = audformat.Scheme(labels=["anger", "happy"])
    db.schemes["speaker"] = audformat.Scheme(labels={"3": {"gender": "male"}, "8": {"gender": "female"}})
    db["files"] = audformat.Table(audformat.filewise_index(FILES))
    add(db["files"], "speaker", ["3", "8", "8"], "speaker")
    return db


def add(table: Any, column: str, values: list[Any], scheme: str | None = None) -> None:
    table[column] = audformat.Column(scheme_id=scheme)
    table[column].set(values)


def test_emotion_speaker_gender_and_language_are_found(tmp_path: Path) -> None:
    db = database(tmp_path, languages=["deu"])
    db["gold"] = audformat.Table(audformat.filewise_index(FILES[:2]))
    add(db["gold"], "mood", ["happy", "anger"], "emotion")
    add(db["gold"], "arousal", [4.0, None])
    db.save(str(tmp_path))
    with pytest.warns(corpora.CorpusWarning, match=r"1 of 3 files .* have no emotion.*wav/c.wav"):
        table = corpora.load(f"audformat:mine={tmp_path}")
    assert table.index.tolist() == ["mine/wav/a", "mine/wav/b", "mine/wav/c"]
    assert table["file"].tolist() == [str(tmp_path / name) for name in FILES]
    assert table["emotion"].fillna("-").tolist() == ["happiness", "anger", "-"]
    assert table["emotion_original"].fillna("-").tolist() == ["happy", "anger", "-"]
    assert table["speaker"].tolist() == ["mine/3", "mine/8", "mine/8"]
    assert table["gender"].tolist() == ["male", "female", "female"]
    assert table["language"].unique().tolist() == ["de"]
    assert table["levels_source"].fillna("-").tolist() == ["rated", "mapped", "-"]


def test_split_tables_are_joined_and_languages_come_from_a_column(tmp_path: Path) -> None:
    db = database(tmp_path, languages=["deu", "eng"])
    add(db["files"], "language", ["eng", "deu", "cmn"])
    for split, files in (("test", FILES[:1]), ("train", FILES[1:])):
        db[split] = audformat.Table(audformat.filewise_index(files))
        add(db[split], "emotion", ["anger"] * len(files), "emotion")
    db.save(str(tmp_path))
    table = corpora.load(f"audformat={tmp_path}")
    assert table["emotion"].tolist() == ["anger"] * 3
    assert table["language"].tolist() == ["en", "de", "cmn"]


def test_segments_count_where_a_file_has_one(tmp_path: Path) -> None:
    db = database(tmp_path, languages=["deu"])
    index = audformat.segmented_index([FILES[0], FILES[1], FILES[1]], ["0s", "0s", "1s"], ["1s", "1s", "2s"])
    db["segments"] = audformat.Table(index)
    add(db["segments"], "emotion", ["anger", "happy", "anger"], "emotion")
    db.save(str(tmp_path))
    with pytest.warns(corpora.CorpusWarning, match="several in segments"):
        table = corpora.load(f"audformat={tmp_path}")
    assert table["emotion"].fillna("-").tolist() == ["anger", "-", "-"]


def test_database_without_emotion_or_language_is_named(tmp_path: Path) -> None:
    db = database(tmp_path, languages=["deu", "eng"])
    db.save(str(tmp_path))
    with pytest.raises(DataError, match=r"no column for emotion .* in the tables files"):
        corpora.load(f"audformat={tmp_path}")
    add(db["files"], "emotion", ["anger"] * 3, "emotion")
    db.save(str(tmp_path))
    with pytest.raises(DataError, match=r"'wav/a.wav' .* has no language"):
        corpora.load(f"audformat={tmp_path}")


def test_unknown_emotion_is_named_with_its_file_and_can_be_declared(tmp_path: Path) -> None:
    db = database(tmp_path, languages=["deu"])
    add(db["files"], "emotion", ["anger", "gloom", "anger"])
    db.save(str(tmp_path))
    with pytest.raises(DataError, match=r"'wav/b.wav': The emotion 'gloom' is not known"):
        corpora.load(f"audformat={tmp_path}")
    (tmp_path / "labels.toml").write_text('[emotions]\ngloom = "sadness"\n')
    assert corpora.load(f"audformat={tmp_path}")["emotion"].tolist() == ["anger", "sadness", "anger"]


def test_missing_files_are_reported(tmp_path: Path) -> None:
    db = database(tmp_path, languages=["deu"])
    add(db["files"], "emotion", ["anger"] * 3, "emotion")
    db.save(str(tmp_path))
    (tmp_path / FILES[2]).unlink()
    with pytest.warns(corpora.CorpusWarning, match=r"1 of 3 files .* do not exist, first 'wav/c.wav'"):
        assert len(corpora.load(f"audformat={tmp_path}")) == 3


def test_other_folders_and_damaged_headers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"expected a folder with db\.yaml"):
        corpora.load(f"audformat={tmp_path}")
    (tmp_path / "db.yaml").write_text("name: [")
    with pytest.raises(DataError, match="cannot be read"):
        corpora.load(f"audformat={tmp_path}")


def test_table_has_the_types_of_the_contract(tmp_path: Path) -> None:
    db = database(tmp_path, languages=["deu"])
    add(db["files"], "emotion", ["anger"] * 3, "emotion")
    db.save(str(tmp_path))
    table = corpora.load(f"audformat={tmp_path}")
    pd.testing.assert_frame_equal(corpora.load_all([f"audformat={tmp_path}"]), table)

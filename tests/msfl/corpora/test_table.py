from __future__ import annotations

import io
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msfl.corpora import table
from msfl.corpora.table import Record
from msfl.errors import DataError

NAMES = st.text("abcxyz0123äß_-", min_size=1, max_size=8)


def small(corpus: str = "x", speakers: tuple[str, ...] = ("1", "2")) -> pd.DataFrame:
    records = [
        Record(Path(f"{corpus}-{key}.wav"), f"u{key}", speaker=speaker, emotion="anger")
        for key, speaker in enumerate(speakers)
    ]
    return table.from_records(records, corpus=corpus, language="de")


def test_columns_and_types_are_those_of_the_contract() -> None:
    frame = small()
    assert frame.index.name == "utterance"
    assert {column: str(dtype) for column, dtype in frame.dtypes.items()} == table.DTYPES
    assert frame.index.tolist() == ["x/u0", "x/u1"]
    assert frame["speaker"].tolist() == ["x/1", "x/2"]


def test_what_is_not_known_is_missing() -> None:
    frame = table.from_records([Record(Path("a.wav"), "a")], corpus="x", language="de")
    assert frame.columns[frame.isna().all()].tolist() == [
        column for column in table.COLUMNS if column not in table.REQUIRED
    ]


def test_levels_are_cut_where_rated_and_mapped_where_not() -> None:
    frame = table.from_records(
        [
            Record(Path("a.wav"), "a", emotion="anger", arousal=2.0, valence=float("nan"), dominance=4.0),
            Record(Path("b.wav"), "b", emotion="anger"),
            Record(Path("c.wav"), "c", emotion="other"),
        ],
        corpus="x",
        language="de",
    )
    columns = ["arousal_level", "valence_level", "dominance_level", "levels_source"]
    levels = frame[columns].astype(object).where(frame[columns].notna(), None)
    assert levels.to_numpy().tolist() == [
        ["low", None, "high", "rated"],  # a missing rating stays missing: it is not filled from the class
        ["high", "low", None, "mapped"],
        [None, None, None, None],
    ]


@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        st.builds(
            Record,
            file=NAMES.map(lambda name: Path(f"{name}.wav")),
            key=NAMES,
            speaker=st.none() | NAMES,
            gender=st.none() | st.sampled_from(table.VALUES["gender"]),
            emotion=st.none() | st.sampled_from(["anger", "other", "longing"]),
            arousal=st.none() | st.floats(1, 5),
            text=st.none() | NAMES,
        ),
        min_size=1,
        max_size=6,
        unique_by=lambda record: record.key,
    )
)
def test_parquet_keeps_every_table_and_validating_twice_changes_nothing(records: list[Record]) -> None:
    frame = table.from_records(records, corpus="x", language="en-us")
    file = io.BytesIO()
    frame.to_parquet(file)
    pd.testing.assert_frame_equal(pd.read_parquet(file), frame)
    pd.testing.assert_frame_equal(table.merge([frame]), frame)
    assert frame["speaker"].dropna().str.startswith("x/").all()


@pytest.mark.parametrize(
    ("tag", "canonical"), [("EN-us", "en-US"), ("DE", "de"), ("zh-hant-tw", "zh-Hant-TW")]
)
def test_language_tags_get_their_recommended_case(tag: str, canonical: str) -> None:
    assert table.validate(small().assign(language=tag))["language"].unique().tolist() == [canonical]


def test_further_columns_stay_at_the_end() -> None:
    assert table.validate(small().assign(age=30)).columns.tolist() == [*table.COLUMNS, "age"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"language": "German"}, "language 'German' of utterance 'x/u0' is not a BCP 47 tag"),
        ({"gender": "f"}, "gender 'f' of utterance 'x/u0' is not female or male or other"),
        ({"naturalness": "real"}, "naturalness 'real'.* is not acted or"),
        ({"arousal": 7.0}, "arousal '7.0' of utterance 'x/u0' is not a rating from 1 to 5"),
        ({"arousal_level": "3"}, "is not low or mid or high"),
        ({"duration": "long"}, "column 'duration' .* is not of type float64"),
        ({"file": pd.NA}, "2 utterances have no file, first 'x/u0'"),
        ({"corpus": "y"}, "id 'x/u0' does not begin with its corpus, 'y/'"),
    ],
)
def test_values_outside_the_contract_are_named(change: dict[str, object], sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        table.validate(small().assign(**change))


def test_missing_column_is_named() -> None:
    with pytest.raises(DataError, match="no column 'language'"):
        table.validate(small().drop(columns="language"))


def test_doubled_id_is_named_with_its_files() -> None:
    records = [Record(Path("p/a.wav"), "a"), Record(Path("q/a.wav"), "a")]
    with pytest.raises(DataError, match=r"more than once, first 'x/a' \(files .*p/a.wav, .*q/a.wav\)"):
        table.from_records(records, corpus="x", language="de")


def test_empty_corpus_is_named() -> None:
    with pytest.raises(DataError, match="corpus 'x' has no recordings"):
        table.from_records([], corpus="x", language="de")


def test_merge_joins_corpora_whose_speakers_have_the_same_names() -> None:
    merged = table.merge([small("x"), small("y")])
    assert merged["speaker"].tolist() == ["x/1", "x/2", "y/1", "y/2"]
    assert {column: str(dtype) for column, dtype in merged.dtypes.items()} == table.DTYPES


def test_merge_refuses_one_label_twice() -> None:
    with pytest.raises(DataError, match=r"Two corpora have the label 'x'; .*reader:LABEL=PATH"):
        table.merge([small("x"), small("x")])


def test_merge_refuses_two_corpora_that_claim_one_speaker() -> None:
    with pytest.raises(DataError, match="corpora 'x' and 'y' both claim the speaker 'x/1'"):
        table.merge([small("x"), small("y", speakers=("x/1", "2"))])


def test_one_table_with_a_speaker_in_two_corpora_is_refused() -> None:
    mixed = pd.concat([small("x"), small("y", speakers=("x/1",))])
    with pytest.raises(DataError, match="'x' and 'y' both claim the speaker 'x/1'"):
        table.validate(mixed)


def test_merge_refuses_one_recording_in_two_corpora() -> None:
    other = small("y")
    other["file"] = small("x")["file"].to_numpy()
    with pytest.raises(DataError, match=r"x-0.wav' is in both corpora 'x' and 'y'"):
        table.merge([small("x"), other])

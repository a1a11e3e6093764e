"""The five real corpora have exactly the files, speakers and emotions that their publishers state."""

from __future__ import annotations

import warnings

import pytest

from msfl import corpora

FACTS = {
    "emodb": (
        "de", (5, 5),
        {
            "anger": 127, "boredom": 81, "neutral": 79, "happiness": 71, "fear": 69, "sadness": 62,
            "disgust": 46,
        },
    ),
    "ravdess": (
        "en-US", (12, 12),
        dict.fromkeys(("calm", "happiness", "sadness", "anger", "fear", "disgust", "surprise"), 192)
        | {"neutral": 96},
    ),
    "emovo": (
        "it", (3, 3),
        dict.fromkeys(("disgust", "happiness", "fear", "anger", "surprise", "sadness", "neutral"), 84),
    ),
    "urdu": ("ur", (11, 18), dict.fromkeys(("anger", "happiness", "neutral", "sadness"), 100)),
    "emotiontts": ("ko", (7, 8), dict.fromkeys(("neutral", "happiness", "anger", "sadness"), 75)),
}  # fmt: skip
"""Reader -> language, (women, men), emotion -> recordings."""
TEXTS = {"emodb": 10, "ravdess": 2, "emovo": 14, "urdu": 0}


@pytest.mark.real
@pytest.mark.parametrize("reader", FACTS)
def test_counts_are_those_of_the_publisher(real_specs: dict[str, str], reader: str) -> None:
    language, (women, men), emotions = FACTS[reader]
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # nothing is left out
        table = corpora.load(f"{reader}={real_specs[reader]}")
    assert table["emotion"].value_counts().to_dict() == emotions
    assert table["language"].unique().tolist() == [language]
    speakers = table.drop_duplicates("speaker")["gender"].value_counts()
    assert speakers.to_dict() == {"female": women, "male": men}
    assert set(emotions) == set(corpora.get_reader(reader).emotions)
    assert corpora.get_reader(reader).speakers == f"{women} female, {men} male"
    assert table["naturalness"].unique().tolist() == ["spontaneous" if reader == "urdu" else "acted"]
    assert set(table["levels_source"]) == {"mapped"}


@pytest.mark.real
@pytest.mark.parametrize("reader", TEXTS)
def test_equal_texts_have_equal_values(real_specs: dict[str, str], reader: str) -> None:
    assert corpora.load(f"{reader}={real_specs[reader]}")["text"].nunique() == TEXTS[reader]


@pytest.mark.real
def test_transcripts_of_emotiontts_are_its_texts(real_specs: dict[str, str]) -> None:
    texts = corpora.load(f"emotiontts={real_specs['emotiontts']}")["text"]
    assert texts.notna().all()
    assert not texts.str.startswith("\ufeff").any()


@pytest.mark.real
def test_all_together_are_one_table_of_unique_speakers(real_specs: dict[str, str]) -> None:
    table = corpora.load_all(f"{reader}={path}" for reader, path in real_specs.items())
    assert len(table) == 3263
    assert table["speaker"].nunique() == 84
    assert table.groupby("speaker")["corpus"].nunique().max() == 1

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msfl.corpora import labels
from msfl.errors import DataError


@pytest.mark.parametrize(
    ("label", "emotion"),
    [
        ("Angry", "anger"),
        ("joy", "happiness"),
        ("Ärger", "anger"),
        ("Freude", "happiness"),
        ("fearful", "fear"),
        ("Pleasant_Surprise", "surprise"),
        ("  SAD ", "sadness"),
        ("üzgün", "sadness"),
        ("neu", "neutral"),
    ],
)
def test_words_of_several_corpora_mean_one_emotion(label: str, emotion: str) -> None:
    assert labels.harmonise(label) == emotion


def test_no_word_means_two_emotions() -> None:
    words = [word for emotion, synonyms in labels.SYNONYMS.items() for word in (emotion, *synonyms)]
    assert len(words) == len(set(words))
    assert all(labels.plain(word) == word for word in words)


@settings(deadline=None)
@given(st.sampled_from(sorted(labels.EMOTIONS)))
def test_harmonising_twice_changes_nothing(emotion: str) -> None:
    assert labels.harmonise(labels.harmonise(emotion)) == emotion


def test_unknown_label_names_the_nearest_and_the_way_out() -> None:
    with pytest.raises(
        DataError, match=r"'angre' is not known. Did you mean 'ang.*labels.toml.*\[emotions\]"
    ):
        labels.harmonise("angre")


def test_declared_labels_win_and_may_be_classes_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "labels.toml").write_text(
        '[emotions]\nstolz = "pride"\nSehnsucht = "longing"\njoy = "Excited"\n'
    )
    own = labels.read_own(tmp_path)
    assert labels.harmonise("Stolz", own) == "pride"
    assert labels.harmonise("sehnsucht", own) == "longing"
    assert labels.harmonise("joy", own) == "excitement"
    assert labels.read_own(tmp_path / "elsewhere") == {}


@pytest.mark.parametrize("text", ["emotions =", "[emotions]\nangry = 3", "[other]\na = 'b'"])
def test_damaged_declaration_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "labels.toml").write_text(text)
    with pytest.raises(DataError, match=r"labels\.toml"):
        labels.read_own(tmp_path)


def test_levels_of_the_classes_of_the_literature() -> None:
    high = {emotion for emotion, level in labels.AROUSAL.items() if level == "high"}
    assert {"anger", "fear", "happiness", "disgust", "surprise"} <= high
    assert all(labels.AROUSAL[emotion] == "low" for emotion in ("sadness", "boredom", "neutral"))
    assert labels.VALENCE["happiness"] == "high"
    assert labels.VALENCE["neutral"] == labels.VALENCE["surprise"] == "mid"
    assert all(labels.VALENCE[e] == "low" for e in ("anger", "fear", "disgust", "sadness", "boredom"))


def test_every_emotion_but_other_has_both_levels() -> None:
    assert set(labels.AROUSAL) == set(labels.VALENCE) == set(labels.EMOTIONS) - {"other"}
    assert set(labels.AROUSAL.values()) | set(labels.VALENCE.values()) <= set(labels.LEVELS)


@pytest.mark.parametrize(
    ("rating", "level"),
    [
        (1, "low"),
        (2, "low"),
        (2.001, "mid"),
        (3.999, "mid"),
        (4, "high"),
        (5, "high"),
        (None, None),
        (float("nan"), None),
    ],
)
def test_ratings_are_cut_as_in_the_paper(rating: float | None, level: str | None) -> None:
    assert labels.level_from_rating(rating) == level


@settings(deadline=None)
@given(st.floats(1, 5), st.floats(1, 5))
def test_levels_rise_with_ratings(one: float, two: float) -> None:
    low, high = (labels.LEVELS.index(str(labels.level_from_rating(x))) for x in sorted((one, two)))
    assert low <= high


@pytest.mark.parametrize("rating", [0.99, 5.01, -3, float("inf")])
def test_rating_outside_the_scale_is_refused(rating: float) -> None:
    with pytest.raises(DataError, match="outside the scale 1 to 5"):
        labels.level_from_rating(rating)

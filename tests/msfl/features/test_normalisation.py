"""Whose mean and deviation a recording is measured against, and that nothing else gets in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.preprocessing import StandardScaler

from msfl.errors import DataError, UsageError
from msfl.features.normalisation import KINDS, LIMIT, MINIMUM, Kind, Scaler

D = 4


def corpus(
    name: str, speakers: dict[str | None, int], offset: float = 0.0, seed: int = 0
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Features and table of a corpus: every speaker has an own level and range, the corpus an offset."""
    rng = np.random.default_rng(seed)
    parts, people = [], []
    for number, (speaker, count) in enumerate(speakers.items()):
        parts.append(offset + 3 * number + (1 + number) * rng.normal(size=(count, D)))
        people += [pd.NA if speaker is None else f"{name}/{speaker}"] * count
    index = pd.Index([f"{name}/{row}" for row in range(len(people))], name="utterance", dtype="string")
    features = pd.DataFrame(np.concatenate(parts).astype(np.float32), index=index, columns=list("wxyz"))
    table = pd.DataFrame({"corpus": name, "speaker": people}, index=index).astype("string")
    return features, table


def both(*parts: tuple[pd.DataFrame, pd.DataFrame]) -> tuple[pd.DataFrame, pd.DataFrame]:
    return pd.concat([part[0] for part in parts]), pd.concat([part[1] for part in parts])


def z(values: pd.DataFrame, reference: pd.DataFrame | None = None) -> NDArray[np.float64]:
    """The z-scores of an independent implementation."""
    scaler = StandardScaler().fit((values if reference is None else reference).to_numpy(dtype=np.float64))
    return np.clip(scaler.transform(values.to_numpy(dtype=np.float64)), -LIMIT, LIMIT)


def close(actual: Any, expected: Any) -> None:
    np.testing.assert_allclose(actual, expected, atol=1e-4)


EMODB = corpus("emodb", {"a": 20, "b": 20}, seed=1)
URDU = corpus("urdu", {"a": 15, "b": 15}, offset=100.0, seed=2)
TEST = corpus("emodb", {"new": 12}, offset=7.0, seed=3)
TEST = (TEST[0].rename(index="{}t".format), TEST[1].rename(index="{}t".format))
UNSEEN = corpus("emovo", {"a": 10, "b": 10}, offset=-50.0, seed=4)


def test_train_is_the_pooled_standard_scaler() -> None:
    features, table = both(EMODB, URDU)
    scaler = Scaler("train").fit(features, table)
    result = scaler.transform(features, table)
    assert result.dtype == np.float32
    close(result, z(features))
    close(scaler.transform(*TEST), z(TEST[0], features))


def test_train_statistics_do_not_see_the_test_part() -> None:
    scaler = Scaler("train").fit(*EMODB)
    one = scaler.transform(TEST[0].iloc[[0]], TEST[1])
    close(one[0], scaler.transform(*TEST)[0])


def test_speaker_uses_the_own_recordings_also_of_the_test_speaker() -> None:
    scaler = Scaler("speaker").fit(*EMODB)
    result = scaler.transform(*EMODB)
    close(result[:20], z(EMODB[0].iloc[:20]))
    close(result[20:], z(EMODB[0].iloc[20:]))
    close(scaler.transform(*TEST), z(TEST[0]))


def test_a_known_speaker_keeps_the_statistics_of_training() -> None:
    scaler = Scaler("speaker").fit(EMODB[0].iloc[:30], EMODB[1])
    close(scaler.transform(EMODB[0].iloc[30:], EMODB[1]), z(EMODB[0].iloc[30:], EMODB[0].iloc[20:30]))


def test_corpus_uses_training_rows_or_the_unseen_corpus_itself() -> None:
    scaler = Scaler("corpus").fit(*both(EMODB, URDU))
    close(scaler.transform(*TEST), z(TEST[0], EMODB[0]))
    close(scaler.transform(*URDU), z(URDU[0]))
    close(scaler.transform(*UNSEEN), z(UNSEEN[0]))


def test_few_recordings_fall_back_to_the_corpus_then_to_training() -> None:
    scaler = Scaler("speaker").fit(*both(EMODB, URDU))
    few = TEST[0].iloc[: MINIMUM - 1]
    close(scaler.transform(few, TEST[1]), z(few, EMODB[0]))
    lone = UNSEEN[0].iloc[[0]]
    close(scaler.transform(lone, UNSEEN[1]), z(lone, both(EMODB, URDU)[0]))
    # a speaker with one recording in a new corpus of many: the level of that corpus is known
    features, table = corpus("emovo", {"a": 10, "lone": 1}, offset=-50.0)
    close(scaler.transform(features, table)[10:], z(features.iloc[10:], features))


def test_a_lone_recording_keeps_its_information() -> None:
    features, table = both(EMODB, corpus("urdu", {"lone": 1, "many": 20}, offset=100.0))
    result = Scaler("speaker").fit(features, table).transform(features, table)
    assert np.abs(result[40]).max() > 0.1


def test_recordings_without_speaker_are_one_speaker() -> None:
    scaler = Scaler("speaker").fit(*EMODB)
    new = corpus("new recordings", {None: 9}, offset=30.0)
    close(scaler.transform(*new), z(new[0]))
    close(scaler.transform(new[0].iloc[:2], new[1]), z(new[0].iloc[:2], EMODB[0]))


def test_mixed_train_statistics_come_from_the_train_corpora_alone() -> None:
    features, table = both(EMODB, URDU)
    scaler = Scaler({"urdu": "train", "emodb": "speaker"}).fit(features, table)
    result = scaler.transform(features, table)
    close(result[40:], z(URDU[0]))  # the raw level of the other recording chain would be an offset of -1.7
    close(result[:20], z(EMODB[0].iloc[:20]))
    close(scaler.transform(*TEST), z(TEST[0]))


def test_a_mapping_of_one_kind_equals_that_kind() -> None:
    features, table = both(EMODB, URDU)
    for kind in KINDS:
        single = Scaler(kind).fit(features, table).transform(features, table)
        mapped = Scaler({"emodb": kind, "urdu": kind}).fit(features, table).transform(features, table)
        np.testing.assert_array_equal(single, mapped)


def test_a_train_corpus_without_training_part_is_measured_by_all_of_training() -> None:
    scaler = Scaler({"urdu": "train", "emodb": "speaker"}).fit(*EMODB)
    close(scaler.transform(*URDU), z(URDU[0], EMODB[0]))


def test_new_recordings_of_a_corpus_outside_the_mapping() -> None:
    scaler = Scaler({"urdu": "train", "emodb": "speaker"}).fit(*both(EMODB, URDU))
    result = scaler.transform(*UNSEEN)
    close(result[:10], z(UNSEEN[0].iloc[:10]))
    with pytest.raises(UsageError, match="no kind for the corpus 'emovo'"):
        Scaler({"urdu": "train", "emodb": "speaker"}).fit(*both(EMODB, UNSEEN))


@pytest.mark.parametrize("value", [0.0, 0.1, -3e7, 1e-30])
def test_constant_features_become_zero_whatever_their_size(value: float) -> None:
    features, table = EMODB[0].copy(), EMODB[1]
    features["w"] = np.float32(value)
    features["x"] = np.nextafter(np.float32(value), np.float32(np.inf)) if value else np.float32(0)
    features.iloc[::2, 1] = np.float32(value)  # one unit in the last place is rounding, not information
    scaler = Scaler("train").fit(features, table)
    np.testing.assert_array_equal(scaler.transform(features, table)[:, :2], 0)
    features["w"] += np.float32(1000)  # constant in training: nothing is known about its scale
    np.testing.assert_array_equal(scaler.transform(features, table)[:, 0], 0)


def test_small_but_real_variation_is_kept() -> None:
    features, table = EMODB[0].copy(), EMODB[1]
    features["w"] *= np.float32(1e-12)
    close(Scaler("train").fit(features, table).transform(features, table), z(EMODB[0]))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_no_numbers_are_refused(bad: float) -> None:
    features = EMODB[0].copy()
    features.iloc[3, 2] = bad
    with pytest.raises(DataError, match=r"feature 'y' of 'emodb/3'"):
        Scaler("train").fit(features, EMODB[1])
    with pytest.raises(DataError, match=r"feature 'y' of 'emodb/3'"):
        Scaler("speaker").fit(*EMODB).transform(features, EMODB[1])


def test_mistakes_are_told_in_words() -> None:
    with pytest.raises(UsageError, match="Did you mean 'speaker'"):
        Scaler("speakers")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="no normalisation 'global'"):
        Scaler({"emodb": "global"})  # type: ignore[dict-item]
    with pytest.raises(UsageError, match="names no corpus"):
        Scaler({})
    with pytest.raises(DataError, match="no training recordings"):
        Scaler().fit(EMODB[0].iloc[:0], EMODB[1])
    with pytest.raises(DataError, match="'urdu/0' has features but is not in the utterance table"):
        Scaler().fit(URDU[0], EMODB[1])
    with pytest.raises(DataError, match="extract the same feature set"):
        Scaler().fit(*EMODB).transform(EMODB[0][["x", "w", "y", "z"]], EMODB[1])


def test_description_says_what_was_used() -> None:
    assert "unlabelled recordings of the test speaker" in Scaler("speaker").description
    mixed = Scaler({"urdu": "train", "emodb": "speaker", "emovo": "speaker"}).description
    assert mixed.startswith("urdu: z-scores with mean and deviation of the training part; emodb, emovo: ")
    assert "test speaker" in mixed


@pytest.mark.parametrize("kind", ["train", "speaker", {"emodb": "corpus", "urdu": "train"}])
def test_saved_scaler_is_the_same(tmp_path: Path, kind: Kind | dict[str, Kind]) -> None:
    features, table = both(EMODB, URDU)
    scaler = Scaler(kind).fit(features, table)
    scaler.save(tmp_path / "scaler.npz")
    loaded = Scaler.load(tmp_path / "scaler.npz")
    assert loaded.kind == kind
    assert loaded.feature_names_ == scaler.feature_names_
    for part in ((features, table), TEST, UNSEEN):
        np.testing.assert_array_equal(loaded.transform(*part), scaler.transform(*part))


def test_damaged_and_foreign_scalers_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "scaler.npz"
    with pytest.raises(DataError, match="does not exist"):
        Scaler.load(file)
    Scaler().fit(*EMODB).save(file)
    whole = file.read_bytes()
    for content in (b"", b"no archive", whole[: len(whole) // 2]):
        file.write_bytes(content)
        with pytest.raises(DataError, match="damaged"):
            Scaler.load(file)
    np.savez(file, format=np.array("msfl-scaler-99"))
    with pytest.raises(DataError, match="of this version"):
        Scaler.load(file)
    np.savez(file, format=np.array("msfl-scaler-1"), kind=np.array([{"run": "me"}], dtype=object))
    with pytest.raises(DataError, match="damaged"):  # an object array would need pickle
        Scaler.load(file)


tables = st.lists(
    st.tuples(st.sampled_from("AB"), st.sampled_from(["s", "t", "u"]), st.floats(-1e6, 1e6, width=32)),
    min_size=1,
    max_size=40,
)


def build(rows: list[tuple[str, str, float]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    index = pd.Index([f"u{number}" for number in range(len(rows))], name="utterance")
    values = np.array([[row[2], row[2] ** 2 / 1e6] for row in rows], dtype=np.float32)
    table = pd.DataFrame(
        {"corpus": [row[0] for row in rows], "speaker": [f"{row[0]}/{row[1]}" for row in rows]}, index=index
    )
    return pd.DataFrame(values, index=index, columns=["a", "b"]), table.astype("string")


kinds = st.sampled_from(["train", "corpus", "speaker", {"A": "train", "B": "speaker"}])


@settings(max_examples=60, deadline=None)
@given(rows=tables, kind=kinds)
def test_result_is_finite_bounded_and_centred(rows: list[tuple[str, str, float]], kind: Any) -> None:
    features, table = build(rows)
    result = Scaler(kind).fit(features, table).transform(features, table)
    assert result.shape == features.shape
    assert np.isfinite(result).all()
    assert np.abs(result).max() <= LIMIT
    if kind == "train" and np.abs(result).max() < LIMIT:  # nothing clipped
        np.testing.assert_allclose(result.mean(axis=0), 0, atol=0.1)
        deviation = result.std(axis=0)
        assert np.all((deviation == 0) | (np.abs(deviation - 1) < 0.01))


@settings(max_examples=40, deadline=None)
@given(rows=tables, kind=kinds, seed=st.integers(0, 99))
def test_the_order_of_the_rows_does_not_matter(
    rows: list[tuple[str, str, float]], kind: Any, seed: int
) -> None:
    features, table = build(rows)
    order = np.random.default_rng(seed).permutation(len(rows))
    straight = Scaler(kind).fit(features, table).transform(features, table)
    shuffled = Scaler(kind).fit(features.iloc[order], table).transform(features.iloc[order], table)
    np.testing.assert_allclose(shuffled, straight[order], atol=1e-2)


@settings(max_examples=40, deadline=None)
@given(scale=st.floats(0.01, 100), shift=st.floats(-100, 100), kind=kinds)
def test_gain_and_offset_of_a_feature_leave_no_trace(scale: float, shift: float, kind: Any) -> None:
    features, table = both(EMODB, URDU)
    table["corpus"] = table["corpus"].replace({"emodb": "A", "urdu": "B"})
    changed = (features * scale + shift).astype(np.float32)
    np.testing.assert_allclose(
        Scaler(kind).fit(changed, table).transform(changed, table),
        Scaler(kind).fit(features, table).transform(features, table),
        atol=0.02,
    )

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from msfl.errors import DataError, UsageError
from msfl.protocols import (
    Fold,
    check_fold,
    describe,
    explain_left_out,
    from_frame,
    is_speaker_independent,
    make_folds,
    parse,
    restrict,
    to_frame,
    validation_speakers,
)

QUICK = (Phase.explicit, Phase.reuse, Phase.generate)
"""Without shrinking: a failing example is small enough to read, and a broken build should say so at once."""

EMOTIONS = ("anger", "fear", "happiness", "neutral")


def make_table(rows: list[tuple[str, str, str | None, str | None]]) -> pd.DataFrame:
    """Rows of corpus, language, speaker (None: missing), emotion (None: missing)."""
    frame = pd.DataFrame(rows, columns=["corpus", "language", "speaker", "emotion"])
    frame["speaker"] = frame["corpus"] + "/" + frame["speaker"]
    frame.index = pd.Index([f"{c}/{i:04d}" for i, c in enumerate(frame["corpus"])], name="utterance")
    return frame.astype("str").where(frame.notna(), None)


def corpus(name: str, language: str, speakers: int, emotions: tuple[str, ...] = EMOTIONS, each: int = 2):
    return [(name, language, f"s{s}", e) for s in range(speakers) for e in emotions for _ in range(each)]


@pytest.fixture
def table() -> pd.DataFrame:
    return make_table(
        corpus("aa", "de", 7)
        + corpus("bb", "en", 4, EMOTIONS[:3])
        + corpus("cc", "it", 3, (*EMOTIONS, "calm"))
    )


def urdu_like() -> list[tuple[str, str, str | None, str | None]]:
    """Most speakers with one emotion; five of them hold most of the files."""
    return [("ur", "ur", f"s{s:02d}", EMOTIONS[s % 4]) for s in range(29) for _ in range(45 if s < 5 else 7)]


@st.composite
def tables(draw: st.DrawFn) -> tuple[pd.DataFrame, pd.Series]:
    rows = []
    for c in range(draw(st.integers(2, 3))):
        for s in range(draw(st.integers(3, 6))):
            emotions = draw(st.lists(st.sampled_from([*EMOTIONS, None]), min_size=1, max_size=5))
            rows += [(f"c{c}", f"l{c}", f"s{s}", e) for e in emotions]
    frame = make_table(rows)
    hashes = pd.Series([f"h{i}" for i in range(len(frame))], index=frame.index)
    for a, b in draw(st.lists(st.tuples(*[st.integers(0, len(frame) - 1)] * 2), max_size=2)):
        hashes.iloc[a] = hashes.iloc[b]
    return frame, hashes


@settings(max_examples=15, deadline=None, phases=QUICK)
@given(
    data=tables(),
    protocol=st.sampled_from(
        [
            "loso",
            "speaker-kfold:2",
            "speaker-kfold:3",
            "random-kfold:3",
            "cross-corpus",
            "leave-one-language-out",
        ]
    ),
    seed=st.integers(0, 3),
)
def test_folds_are_partitions_without_leaks(data, protocol, seed):
    frame, hashes = data
    try:
        folds = make_folds(frame, protocol, seed=seed, duplicates=hashes)
    except (DataError, UsageError):
        return  # refused: duplicates link all speakers of a language, or no emotion is shared
    tested = pd.Index([], dtype="str")
    for fold in folds:
        sides = [set(fold.train), set(fold.test), set(fold.left_out)]
        assert sum(map(len, sides)) == len(frame)
        assert set.union(*sides) == set(frame.index)
        assert not set(hashes[fold.train]) & set(hashes[fold.test])
        if protocol != "random-kfold:3":
            assert not set(frame.loc[fold.train, "speaker"]) & set(frame.loc[fold.test, "speaker"])
        tested = tested.append(fold.test)
    assert tested.is_unique
    never = set(frame.index) - set(tested)
    assert never <= {u for fold in folds for u in fold.left_out}
    if "kfold" in protocol or protocol == "loso":
        assert not never
    assert len({fold.name for fold in folds}) == len(folds)


@settings(max_examples=15, deadline=None, phases=QUICK)
@given(data=tables(), protocol=st.sampled_from(["loso", "speaker-kfold:2", "random-kfold:3", "cross-corpus"]))
def test_row_order_has_no_influence(data, protocol):
    frame, hashes = data
    shuffled = frame.sample(frac=1, random_state=1)

    def made(f: pd.DataFrame) -> list[tuple[str, list[str], list[str]]] | str:
        try:
            folds = make_folds(f, protocol, seed=2, duplicates=hashes)
        except (DataError, UsageError) as error:
            return str(error)
        return [(fold.name, list(fold.train), list(fold.test)) for fold in folds]

    assert made(frame) == made(shuffled)


def test_loso_holds_out_each_speaker_once(table):
    folds = make_folds(table, "loso")
    assert [f.name for f in folds][:2] == ["aa-s0", "aa-s1"]
    assert len(folds) == 14
    assert all(table.loc[f.test, "speaker"].nunique() == 1 for f in folds)


def test_speakers_of_every_corpus_are_spread_evenly():
    frame = make_table(corpus("aa", "de", 10) + corpus("bb", "en", 24) + corpus("cc", "it", 3) + urdu_like())
    folds = make_folds(frame, "speaker-kfold:5", seed=1)
    for _, rows in frame.groupby("corpus"):
        speakers = rows["speaker"].nunique()
        per_fold = [rows.loc[rows.index.isin(f.test), "speaker"].nunique() for f in folds]
        assert max(per_fold) - min(per_fold) <= 1
        assert sum(per_fold) == speakers
    sizes = [len(f.test) for f in folds]
    assert max(sizes) - min(sizes) < 0.15 * max(sizes)


@pytest.mark.parametrize("seed", range(5))
def test_languages_of_one_corpus_are_spread_evenly(seed):
    frame = make_table(
        [
            (*row[:2], f"{row[1]}-{row[2]}", row[3])
            for tag in ("de", "en", "zh")
            for row in corpus("aa", tag, 4)
        ]
    )
    for number, each in ((2, 2), (4, 1)):
        folds = make_folds(frame, f"speaker-kfold:{number}", seed=seed)
        for fold in folds:
            assert (frame.loc[fold.test].groupby("language")["speaker"].nunique() == each).all()
            assert set(frame.loc[fold.test, "language"]) == {"de", "en", "zh"}
    fit, validation = validation_speakers(frame, frame.index, seed=seed)
    assert frame.loc[validation].groupby("language")["speaker"].nunique().tolist() == [1, 1, 1]
    assert set(frame.loc[fit, "language"]) == {"de", "en", "zh"}
    with pytest.raises(UsageError, match="the largest has 12"):
        make_folds(frame, "speaker-kfold:13")


@pytest.mark.parametrize("seed", range(5))
def test_training_keeps_every_emotion_of_a_corpus_of_one_emotion_speakers(seed):
    frame = make_table(urdu_like() + corpus("aa", "de", 2, ("calm",)))
    for fold in make_folds(frame, "speaker-kfold:5", seed=seed):
        assert set(frame.loc[fold.train, "emotion"]) == {*EMOTIONS, "calm"}


def test_rare_emotion_of_two_speakers_is_split_even_against_the_balance():
    rows = [*corpus("aa", "de", 6, ("anger",)), ("aa", "de", "s0", "calm"), ("aa", "de", "s1", "calm")]
    frame = make_table(rows)
    for seed in range(10):
        for fold in make_folds(frame, "speaker-kfold:2", seed=seed):
            assert "calm" in set(frame.loc[fold.train, "emotion"])


def test_seed_changes_the_division(table):
    first, second = (
        [list(f.test) for f in make_folds(table, "speaker-kfold:3", seed=seed)] for seed in (0, 1)
    )
    assert first != second


def test_linked_speakers_are_held_out_together(table):
    aa = table.index[table["speaker"] == "aa/s0"][0], table.index[table["speaker"] == "aa/s5"][0]
    hashes = pd.Series({aa[0]: "x", aa[1]: "x"})
    fold = next(f for f in make_folds(table, "loso", duplicates=hashes) if aa[0] in f.test)
    assert fold.name == "aa-s0+aa-s5"
    assert set(table.loc[fold.test, "speaker"]) == {"aa/s0", "aa/s5"}


def test_random_kfold_is_stratified_and_needs_no_speakers(table):
    table["speaker"] = None
    folds = make_folds(table, "random-kfold:4")
    counts = pd.concat([table.loc[f.test].groupby(["corpus", "emotion"]).size() for f in folds], axis=1)
    assert (counts.fillna(0).max(axis=1) - counts.fillna(0).min(axis=1) <= 1).all()


def test_cross_corpus_leaves_out_emotions_never_seen_and_says_so(table):
    fold = next(f for f in make_folds(table, "cross-corpus") if f.name == "cc")
    assert set(table.loc[fold.test, "emotion"]) == set(EMOTIONS)
    assert explain_left_out(fold, table) == [
        "Fold 'cc': 6 utterances of 'calm' are not tested, no training corpus has this emotion."
    ]


def test_cross_corpus_does_not_train_on_duplicates_of_the_test(table):
    hashes = pd.Series({table.index[0]: "x", table.index[-10]: "x"})
    fold = next(f for f in make_folds(table, "cross-corpus", duplicates=hashes) if f.name == "aa")
    assert table.index[-10] in fold.left_out
    assert table.index[0] in fold.test
    assert "1 utterances are not trained on" in explain_left_out(fold, table)[0]


def test_speaker_of_two_languages_is_not_trained_on():
    frame = make_table(corpus("aa", "de", 3) + corpus("aa", "en", 1) + corpus("bb", "en", 2))
    fold = next(f for f in make_folds(frame, "leave-one-language-out") if f.name == "de")
    assert set(frame.loc[fold.train, "speaker"]) == {"bb/s0", "bb/s1"}


def test_restrict_keeps_the_test_utterances_of_the_languages(table):
    folds = make_folds(table, "speaker-kfold:3", seed=3)
    for fold in folds:
        small = restrict(fold, table, ["de", "it"])
        assert set(small.test) == {u for u in fold.test if table.loc[u, "language"] != "en"}
        assert set(table.loc[small.train, "language"]) == {"de", "it"}
    loso = make_folds(table, "loso")
    assert restrict(loso[0], table, ["en"]) is None
    assert restrict(make_folds(table, "cross-corpus")[0], table, ["de"]) is None


@settings(max_examples=12, deadline=None, phases=QUICK)
@given(data=tables(), seed=st.integers(0, 5))
def test_validation_speakers_are_whole_and_cost_no_emotion(data, seed):
    frame, hashes = data
    fit, validation = validation_speakers(frame, frame.index, seed=seed, duplicates=hashes)
    assert set(fit) | set(validation) == set(frame.index)
    assert not set(frame.loc[fit, "speaker"]) & set(frame.loc[validation, "speaker"])
    assert not set(hashes[fit]) & set(hashes[validation])
    for _, rows in frame.groupby("corpus"):
        kept = rows[rows.index.isin(fit)]
        assert set(rows["emotion"].dropna()) == set(kept["emotion"].dropna())
    again = validation_speakers(frame.iloc[::-1], frame.index[::-1], seed=seed, duplicates=hashes)
    assert list(again[1]) == list(validation)


def test_validation_takes_a_share_of_every_corpus_that_can_spare_it():
    frame = make_table(corpus("aa", "de", 10) + corpus("bb", "en", 24) + corpus("dd", "zh", 2) + urdu_like())
    _, validation = validation_speakers(frame, frame.index, seed=0)
    speakers = frame.loc[validation].groupby("corpus")["speaker"].nunique()
    assert speakers.to_dict() == {"aa": 2, "bb": 4, "ur": 4}
    urdu = frame.loc[validation].query("corpus == 'ur'")
    assert set(urdu["emotion"]) == set(EMOTIONS)
    assert len(urdu) < 0.25 * (frame["corpus"] == "ur").sum()
    drawn = {tuple(validation_speakers(frame, frame.index, seed=s)[1]) for s in range(5)}
    assert len(drawn) > 1


def test_validation_never_takes_the_only_speaker_of_an_emotion():
    frame = make_table([("aa", "de", f"s{i}", e) for i, e in enumerate(EMOTIONS) for _ in range(4)])
    fit, validation = validation_speakers(frame, frame.index, seed=0)
    assert list(fit) == list(frame.index)
    assert validation.empty


def test_folds_survive_csv(table, tmp_path):
    folds = make_folds(table, "cross-corpus")
    to_frame(folds).to_csv(tmp_path / "folds.csv", index=False)
    read = from_frame(pd.read_csv(tmp_path / "folds.csv"))
    for a, b in zip(folds, read, strict=True):
        assert a.name == b.name
        assert [list(a.train), list(a.test), list(a.left_out)] == [
            list(b.train),
            list(b.test),
            list(b.left_out),
        ]
    with pytest.raises(DataError, match="no column 'part'"):
        from_frame(pd.DataFrame({"fold": [], "utterance": []}))
    with pytest.raises(DataError, match="not whole"):
        from_frame(to_frame(folds).query("part == 'train'"))


def test_check_fold_finds_every_leak(table):
    ids = table.index
    with pytest.raises(DataError, match=r"same utterance in training and test, 'aa/0000'"):
        check_fold(Fold("f", ids[:2], ids[:1]), table)
    with pytest.raises(DataError, match=r"same speaker in training and test, 'aa/s0'"):
        check_fold(Fold("f", ids[:1], ids[1:2]), table)
    check_fold(Fold("f", ids[:1], ids[1:2]), table, speakers=False)
    with pytest.raises(DataError, match="duplicate"):
        check_fold(Fold("f", ids[:1], ids[-1:]), table, duplicates=pd.Series("x", index=ids))
    with pytest.raises(DataError, match="does not have, such as 'zz/1'"):
        check_fold(Fold("f", ids[:1], pd.Index(["zz/1"])), table)


@pytest.mark.parametrize(
    ("protocol", "sentence"),
    [
        ("losso", r"Did you mean 'loso'\?"),
        ("speaker-kfold", "write 'speaker-kfold:5'"),
        ("speaker-kfold:1", "at least 2"),
        ("random-kfold:x", "at least 2"),
        ("loso:3", "takes no number"),
        ("speaker-kfold:9", "the largest has 7"),
        ("random-kfold:9999", "needs 9999 recordings"),
    ],
)
def test_wrong_protocols_are_refused(table, protocol, sentence):
    with pytest.raises(UsageError, match=sentence):
        make_folds(table, protocol)


@pytest.mark.parametrize("protocol", ["loso", "speaker-kfold:2"])
def test_a_language_with_one_speaker_is_refused(protocol):
    frame = make_table(corpus("aa", "de", 4) + corpus("bb", "en", 1))
    with pytest.raises(DataError, match="The language 'en' has one speaker only, 'bb/s0'"):
        make_folds(frame, protocol)


def test_other_impossible_tables_are_refused(table):
    one = table[table["corpus"] == "aa"]
    with pytest.raises(DataError, match="needs at least two corpora"):
        make_folds(one, "cross-corpus")
    with pytest.raises(DataError, match="needs at least two languages"):
        make_folds(one, "leave-one-language-out")
    with pytest.raises(DataError, match="no utterances"):
        make_folds(table.iloc[:0], "loso")
    with pytest.raises(DataError, match="all linked by duplicate recordings"):
        make_folds(one, "loso", duplicates=pd.Series("x", index=one.index))
    apart = make_table(corpus("aa", "de", 2, ("anger",)) + corpus("bb", "en", 2, ("fear",)))
    with pytest.raises(DataError, match="share no emotion"):
        make_folds(apart, "cross-corpus")
    table.loc[table.index[0], "speaker"] = None
    with pytest.raises(DataError, match="1 utterances have no speaker, such as 'aa/0000'"):
        make_folds(table, "loso")


def test_words_for_titles():
    assert parse("speaker-kfold:5") == ("speaker-kfold", 5)
    assert describe("loso") == "speaker-independent, leave one speaker out"
    assert describe("speaker-kfold:5") == "speaker-independent, 5 folds of whole speakers"
    assert describe("random-kfold:10").startswith("speaker-dependent")
    assert not is_speaker_independent("random-kfold:10")
    assert is_speaker_independent("cross-corpus")


def test_ten_thousand_utterances_take_seconds():
    rng = np.random.default_rng(0)
    frame = make_table(
        [("aa", "de", f"s{rng.integers(200)}", EMOTIONS[rng.integers(4)]) for _ in range(10_000)]
    )
    folds = make_folds(frame, "speaker-kfold:10")
    sizes = [len(f.test) for f in folds]
    assert max(sizes) - min(sizes) < 0.05 * max(sizes)

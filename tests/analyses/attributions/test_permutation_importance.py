"""Permutation importance: what is permuted, within what, and what it costs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from analyses.attributions.permutation import Permutation, mean_uar, permuted_rows
from msfl.errors import UsageError


def loud(x: np.ndarray) -> np.ndarray:
    """Only the loudness (the fourth feature) matters."""
    return 1 / (1 + np.exp(-4 * x[:, 3]))


def test_only_the_group_that_matters_drops(subject: Callable) -> None:
    one = subject(loud, rows=60)
    labels = (one.test.features[:, 3] > 0).astype(np.int64)
    one.test.targets["emotion"][:] = labels
    found = Permutation(repeats=8).explain(one, seed=0)
    table = found.tables["uar"]
    drops = table.groupby(["level", "name"])["drop"].mean()
    assert drops["family", "loudness"] > 0.3
    assert drops["contour", "pcm_loudness"] > 0.3
    others = drops.drop([("family", "loudness"), ("contour", "pcm_loudness")])
    assert len(others) == 5
    assert (others == 0).all()
    assert table["uar"].eq(1.0).all()
    assert (table.groupby(["level", "name"]).size() == 8).all()


def test_drop_in_probability_of_each_utterance(subject: Callable) -> None:
    """The mean over many repeats nears p(x) minus its mean over the utterances of the same corpus."""
    one = subject(loud, rows=30)
    found = Permutation(levels=["contour"], repeats=400).explain(one, seed=1)
    assert found.levels == ("contour",)
    values = found.values[:, found.items.index("pcm_loudness")]
    probability = loud(one.test.features.astype(float))
    truth = one.test.targets["emotion"]
    for row in range(30):
        same = one.test.corpus == one.test.corpus[row]
        expected = probability[row] - probability[same].mean()
        assert values[row] == pytest.approx(expected if truth[row] else -expected, abs=0.1)
    rest = np.delete(found.values, found.items.index("pcm_loudness"), axis=1)
    assert np.abs(rest).max() == 0


def test_values_stay_in_their_corpus(tools) -> None:
    data = tools.make_data(40)
    rows = permuted_rows(data, True, np.random.default_rng(0))
    assert (data.corpus[rows] == data.corpus).all()
    assert sorted(rows) == list(range(40))
    assert (rows != np.arange(40)).any()
    crossing = permuted_rows(data, False, np.random.default_rng(0))
    assert (data.corpus[crossing] != data.corpus).any()


def test_groups_do_not_depend_on_the_levels_asked_for(subject: Callable) -> None:
    one = subject(loud, rows=20)
    both = Permutation(repeats=3).explain(one, seed=5)
    alone = Permutation(levels=["family"], repeats=3).explain(one, seed=5)
    rows = (both.keys["level"] == "family").to_numpy()
    columns = [both.items.index(name) for name in alone.items]
    np.testing.assert_array_equal(both.values[rows][:, columns], alone.values)


def test_uar_is_the_mean_over_corpora(tools) -> None:
    data = tools.make_data(40)
    truth = data.targets["emotion"]
    right = np.eye(2, dtype=np.float32)[truth]
    constant = np.tile(np.array([[1, 0]], dtype=np.float32), (40, 1))
    mixed = np.where((data.corpus == "decorpus")[:, None], right, constant)
    assert mean_uar(data, data.tasks[0], mixed) == pytest.approx(0.75)


def test_sentences() -> None:
    with pytest.raises(UsageError, match=r"no level 'famly'.*family"):
        Permutation(levels=["famly"])
    with pytest.raises(UsageError, match="one repeat"):
        Permutation(repeats=0)

"""Owen values against brute force over all orders that keep groups together; the hierarchy itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product

import numpy as np
import pytest
from scipy.cluster.hierarchy import is_valid_linkage

from analyses.attributions.background import balanced_rows
from analyses.attributions.hierarchy import hierarchy
from analyses.attributions.owen import Owen
from analyses.attributions.permutation import groups_of
from msfl.errors import UsageError
from msfl.features.sets import feature_names


def curved(x: np.ndarray) -> np.ndarray:
    """Interactions within and between groups, also of third order."""
    return 1 / (1 + np.exp(-(x[:, 0] * x[:, 1] + x[:, 2] * x[:, 3] * x[:, 4] - x[:, 5] + x[:, 0])))


def orders(node: int, tree: np.ndarray, leaves: int) -> Iterator[tuple[int, ...]]:
    """Every order of the leaves that keeps the leaves of each node together."""
    if node < leaves:
        yield (node,)
        return
    left, right = (int(child) for child in tree[node - leaves, :2])
    for a, b in product(orders(left, tree, leaves), orders(right, tree, leaves)):
        yield a + b
        yield b + a


def brute_force(
    formula: Callable[[np.ndarray], np.ndarray], x: np.ndarray, mean: np.ndarray, tree: np.ndarray
) -> np.ndarray:
    """Owen values: the mean marginal contribution over all those orders."""
    total, found = np.zeros(len(x)), list(orders(2 * len(x) - 2, tree, len(x)))
    for order in found:
        known = mean.copy()
        before = formula(known[None])[0]
        for feature in order:
            known[feature] = x[feature]
            after = formula(known[None])[0]
            total[feature] += after - before
            before = after
    return total / len(found)


def test_equal_to_brute_force(subject: Callable, tools) -> None:
    one = subject(curved)
    found = Owen(background=40, evaluations=2000, classes="all").explain(one, seed=0)
    mean = one.train.features[balanced_rows(one.train, 40, 0)].mean(0, dtype=np.float64)
    tree = hierarchy(tools.names)
    for row in range(len(one.test)):
        expected = brute_force(curved, one.test.features[row].astype(float), mean, tree)
        second = found.values[2 * row + 1]
        np.testing.assert_allclose(second, expected, atol=2e-6)
        np.testing.assert_allclose(found.values[2 * row], -second, atol=2e-6)
    np.testing.assert_allclose(found.base_values[1::2], curved(mean[None])[0], atol=1e-6)


@pytest.mark.parametrize("evaluations", [4, 12, 60])
def test_the_sum_is_exact_at_any_budget(subject: Callable, evaluations: int) -> None:
    found = Owen(evaluations=evaluations).explain(subject(curved), seed=0)
    assert np.abs(found.completeness_error).max() < 1e-5


def test_a_dummy_gets_nothing_and_a_linear_model_its_terms(subject: Callable) -> None:
    one = subject(lambda x: 0.5 + 0.01 * x[:, 0] - 0.02 * x[:, 4])
    found = Owen(background=40, evaluations=2000).explain(one, seed=0)
    mean = one.train.features.mean(0)
    weights = np.array([0.01, 0, 0, 0, -0.02, 0])
    sign = np.where(found.keys["class"] == "neutral", 1, -1)[:, None]
    rows = [one.test.utterances.tolist().index(name) for name in found.keys["utterance"]]
    np.testing.assert_allclose(found.values, sign * weights * (one.test.features[rows] - mean), atol=1e-6)


def test_shap_keeps_the_global_random_numbers(subject: Callable) -> None:
    np.random.seed(7)
    expected = np.random.randn(3)
    np.random.seed(7)
    Owen(evaluations=50).explain(subject(curved, rows=1), seed=0)
    np.testing.assert_array_equal(np.random.randn(3), expected)


def test_the_hierarchy_holds_every_contour_and_family() -> None:
    """Some node of the tree is exactly each contour, each family, and everything."""
    names = feature_names("IS10")
    tree = hierarchy(names)
    assert is_valid_linkage(tree)
    members: list[frozenset[int]] = [frozenset([leaf]) for leaf in range(len(names))]
    for left, right, _, size in tree:
        members.append(members[int(left)] | members[int(right)])
        assert len(members[-1]) == size
    assert len(members[-1]) == len(names)
    nodes = set(members)
    for level in ("contour", "family"):
        for columns in groups_of(names, level).values():
            assert frozenset(columns.tolist()) in nodes


def test_sentences() -> None:
    with pytest.raises(UsageError, match="evaluations is 3"):
        Owen(evaluations=3)

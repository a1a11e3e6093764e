import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2_contingency
from scipy.stats.contingency import association

from msfl.audit.association import associate, strength


def pair(a, b):
    return pd.Series(a, dtype="string", name="a"), pd.Series(b, dtype="string", name="b")


labels = st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from("xyz")), min_size=2, max_size=80)


@settings(max_examples=40, deadline=None)
@given(labels)
def test_uncorrected_value_equals_scipy(rows):
    a, b = pair(*zip(*rows, strict=True))
    found = associate(a, b)
    table = pd.crosstab(a, b).to_numpy()
    if min(table.shape) < 2:
        assert found.cramers_v is None
        assert "only one value" in found.reason
    else:
        expected = association(table, method="cramer", correction=False)
        assert found.uncorrected == pytest.approx(expected, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(labels)
def test_between_zero_and_one_and_the_same_both_ways(rows):
    a, b = pair(*zip(*rows, strict=True))
    found, back = associate(a, b), associate(b, a)
    assert found.strength == back.strength
    if found.cramers_v is not None:
        assert 0 <= found.cramers_v <= 1
        assert found.cramers_v == pytest.approx(back.cramers_v, abs=1e-9)


def test_bergsma_by_hand():
    a, b = pair(list("aaaabbbbcccc"), list("xxxyxyyyxxyy"))
    n, r, k = 12, 3, 2
    phi2 = chi2_contingency(pd.crosstab(a, b), correction=False).statistic / n
    corrected = max(0.0, phi2 - (k - 1) * (r - 1) / (n - 1))
    room = min(k - (k - 1) ** 2 / (n - 1), r - (r - 1) ** 2 / (n - 1)) - 1
    assert associate(a, b).cramers_v == pytest.approx(math.sqrt(corrected / room))


def test_one_label_that_tells_the_other_gives_one():
    a, b = pair(list("aabbccdd") * 10, list("xxxxyyyy") * 10)
    assert associate(a, b).cramers_v == pytest.approx(1.0, abs=0.02)
    assert associate(a, b).strength == "strong"


def test_independent_labels_with_many_values_give_nearly_nothing():
    rng = np.random.default_rng(0)
    found = [
        associate(*pair(rng.integers(0, 100, 300).astype(str), rng.integers(0, 4, 300).astype(str)))
        for _ in range(20)
    ]
    assert min(each.uncorrected for each in found) > 0.5  # what the correction is for
    assert np.mean([each.cramers_v for each in found]) < 0.1


def test_a_value_of_its_own_for_every_utterance_is_not_computable():
    found = associate(*pair([str(i) for i in range(20)], list("xy") * 10))
    assert found.cramers_v is None
    assert found.strength == "unknown"
    assert found.reason == "every utterance has its own a"


def test_missing_labels_are_left_out():
    found = associate(*pair(["a", None, "b", "b", "a"], ["x", "x", None, "y", "x"]))
    assert (found.utterances, found.values_a, found.values_b) == (3, 2, 2)
    assert associate(*pair([None, None], ["x", "y"])).reason == "no a is known"
    assert associate(*pair([None, "a"], ["x", None])).reason == "no utterance has both labels"


@pytest.mark.parametrize(
    ("value", "word"), [(0.0, "none"), (0.1, "weak"), (0.3, "moderate"), (0.49, "moderate"), (1.0, "strong")]
)
def test_words(value, word):
    assert strength(value) == word

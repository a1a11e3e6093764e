"""The names that can be asked for, and what openSMILE says about them."""

from __future__ import annotations

import opensmile
import pytest

from msfl.errors import UsageError
from msfl.features.sets import FEATURE_SETS, feature_names, feature_set


def test_every_set_of_the_package_is_offered() -> None:
    offered = {opensmile.FeatureSet[entry.opensmile] for entry in FEATURE_SETS.values()}
    assert offered == set(opensmile.FeatureSet)
    assert set(FEATURE_SETS) == set(opensmile.FeatureSet.__members__)


@pytest.mark.parametrize("name", FEATURE_SETS)
def test_names_are_as_many_as_announced_and_unique(name: str) -> None:
    names = feature_names(name)
    assert len(names) == len(set(names)) == FEATURE_SETS[name].size


def test_the_default_is_the_set_of_the_paper() -> None:
    assert feature_names() == feature_names("IS10")


@pytest.mark.parametrize(
    ("wrong", "right"), [("is10", "IS10"), ("egemaps", "eGeMAPS"), ("ComParE2016", "ComParE_2016")]
)
def test_unknown_set_names_the_nearest(wrong: str, right: str) -> None:
    with pytest.raises(UsageError, match=f"Did you mean '{right}'"):
        feature_set(wrong)

"""The registry, explainers of other packages, and the way to shap's plots."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import EntryPoint
from typing import Any, ClassVar

import numpy as np
import pytest

from analyses.attributions import cells, compute, explainers, get_explainer, read, to_explanation
from analyses.attributions.contract import Attribution, Explainer, no_values
from analyses.attributions.owen import Owen
from msfl.errors import DataError, UsageError
from msfl.runs import open_run

BUILT_IN = ("attention", "shap", "owen", "permutation", "linear")


class Deviation:
    """An explainer of a user: the feature itself."""

    name: ClassVar[str] = "deviation"
    paper: ClassVar[str] = "nobody, nowhere"
    summary: ClassVar[str] = "how far a feature is from the mean"

    def __init__(self, *, factor: float = 1.0) -> None:
        self.factor = factor

    def objection(self, record: Any) -> str:
        return "" if record.model == "linear-svm" else "not this one"

    def explain(self, subject: Any, *, seed: int, progress: Any = lambda _: None) -> Attribution:
        test, count = subject.test, len(subject.test)
        task = subject.tasks()[0]
        return Attribution(
            values=self.factor * test.features,
            keys=subject.keys(
                range(count), [task.name] * count, [task.classes[c] for c in test.targets[task.name]]
            ),
            items=test.feature_names,
            base_values=no_values(count),
            samples=np.ones(count, dtype=np.int64),
            standard_error=no_values(count),
            completeness_error=no_values(count),
            method=self.name,
            levels=("feature",),
            baseline="zero",
            seed=seed,
        )


@pytest.fixture
def plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    class Point(EntryPoint):
        def load(self) -> Any:
            return Deviation

    import sys
    import types

    module = types.ModuleType("some_package")
    module.Deviation = Deviation  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "some_package", module)
    points = [
        EntryPoint("deviation", "some_package:Deviation", "msfl.explainers"),
        EntryPoint("broken", "no_such_package:Explainer", "msfl.explainers"),
        EntryPoint("shap", "some_package:Deviation", "msfl.explainers"),
    ]
    import analyses.attributions.registry as registry

    real = registry.entry_points
    monkeypatch.setattr(
        registry,
        "entry_points",
        lambda *, group: points if group == "msfl.explainers" else real(group=group),
    )


def test_built_in_explainers_keep_the_contract() -> None:
    for name in BUILT_IN:
        made = get_explainer(name)
        assert isinstance(made, Explainer)
        assert made.name == name
        assert made.paper
        assert made.summary


def test_an_explainer_of_another_package_works_like_ours(own_run: Any, plugin: None) -> None:
    assert tuple(explainers()) == (*BUILT_IN, "deviation", "broken")
    result = compute(own_run, "deviation", parameters={"factor": 2.0}, progress=False)
    run = open_run(own_run)
    assert len(result.done) == 2
    assert not result.failed
    found = [read(run, "deviation", record) for record in run.jobs if record.id in result.done]
    assert sum(map(len, found)) == len(run.utterances)
    assert np.isfinite(found[0].values).all()
    table = cells(run, "deviation")
    assert set(table["statistic"]) == {"importance", "signed"}
    again = compute(own_run, "deviation", parameters={"factor": 2.0}, progress=False)
    assert again.skipped == result.done


def test_a_package_cannot_take_the_name_of_ours(plugin: None) -> None:
    assert get_explainer("shap").name == "shap"


def test_sentences(plugin: None) -> None:
    with pytest.raises(UsageError, match=r"no explainer 'shapp'.*Did you mean 'shap'"):
        get_explainer("shapp")
    with pytest.raises(UsageError, match=r"DeepExplainer.*recurrent layer.*'shap'"):
        get_explainer("deep")
    with pytest.raises(UsageError, match=r"'owen' has no parameter 'evals'.*Did you mean 'evaluations'"):
        get_explainer("owen", evals=3)
    with pytest.raises(UsageError, match=r"no parameter 'x'.*it has none"):
        get_explainer("attention", x=1)
    with pytest.raises(UsageError, match="'broken' cannot be loaded from no_such_package:Explainer"):
        get_explainer("broken")


def test_explanation_for_shaps_plots(subject: Callable) -> None:
    one = subject(lambda x: 1 / (1 + np.exp(-x[:, 0])), rows=4)
    found = Owen(classes="all", evaluations=60).explain(one, seed=0)
    whole = to_explanation(found)
    assert whole.values.shape == (4, 6, 2)
    assert whole.base_values.shape == (4, 2)
    assert list(whole.output_names) == ["anger", "neutral"]
    assert list(whole.feature_names) == list(found.items)
    anger = to_explanation(found, output="anger")
    assert anger.values.shape == (4, 6)
    np.testing.assert_allclose(anger.values, whole.values[:, :, 0])
    probability = 1 / (1 + np.exp(-one.test.features[:, 0]))
    np.testing.assert_allclose(whole.values.sum(1)[:, 1] + whole.base_values[:, 1], probability, atol=1e-5)
    import pandas as pd

    data = pd.DataFrame(one.test.features, index=one.test.utterances, columns=list(one.test.feature_names))
    coloured = to_explanation(found, data.iloc[::-1], output="neutral")
    np.testing.assert_array_equal(coloured.data, one.test.features)
    with pytest.raises(UsageError, match="no class 'joy'"):
        to_explanation(found, output="joy")
    with pytest.raises(DataError, match="lack"):
        to_explanation(found, data.iloc[:2])

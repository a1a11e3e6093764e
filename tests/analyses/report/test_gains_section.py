"""The section on what a system gains on its twin."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from analyses.figures import gains as plot
from analyses.report import findings
from analyses.report.blocks import Figure, Points, Table, flat
from analyses.report.context import open_context
from analyses.report.sections.gains import section
from msfl.runs import open_run

TRAINING = """
[training]
models = ["logistic-regression", "majority"]
tasks = ["emotion"]
"""


@pytest.fixture(scope="module")
def finished(make_toy: Callable[..., Path]) -> Path:
    return make_toy(TRAINING, ("a", "b"), takes=3, planted={"a": (2, 0, -2)})


@pytest.mark.parametrize(
    ("system", "verdict"),
    [("logistic-regression", "it does better than its twin"), ("majority", "it does worse than its twin")],
)
def test_it_says_whether_a_system_does_better_than_its_twin(
    finished: Path, monkeypatch: pytest.MonkeyPatch, system: str, verdict: str
) -> None:
    other = {"logistic-regression": "majority", "majority": "logistic-regression"}[system]
    monkeypatch.setattr("msfl.models.registry.twin_of", lambda name: other if name == system else "")
    context = open_context(open_run(finished))
    made = section(context)
    assert made is not None
    blocks = list(flat(made.blocks))
    said = next(one for one in blocks if isinstance(one, Points)).items
    assert len(said) == 2  # one network for all languages; one for each
    assert all(verdict in sentence for sentence in said)
    counts = "1 better, 0 worse" if verdict.startswith("it does better") else "0 better, 1 worse"
    assert any(f"of 1 system {counts}" in sentence for sentence in findings.gains(context))
    table = next(one for one in blocks if isinstance(one, Table))
    assert set(table.frame["model"]) == {system}
    assert any(isinstance(one, Figure) for one in blocks)


def test_without_a_twin_there_is_no_section(finished: Path) -> None:
    assert section(open_context(open_run(finished))) is None


def test_an_interval_that_holds_zero_is_drawn_hollow() -> None:
    rows = pd.DataFrame(
        {"model": ["a", "b", "c"], "difference": [0.02, -0.03, 0.1], "low": [-0.01, -0.05, 0.05]}
        | {"high": [0.05, -0.01, 0.15]}
    )
    certain, uncertain = plot.figure(rows).data
    assert list(certain.x) == pytest.approx([10, -3])
    assert list(uncertain.x) == pytest.approx([2])
    assert uncertain.marker.symbol == "circle-open"

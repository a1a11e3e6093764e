"""Retraining on other feature orders: what is written, what is not done twice, what is refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analyses import orders
from analyses.explanations import ExplanationManifest, Explanations
from msfl.errors import DataError, UsageError
from msfl.models.registry import parameters_of
from msfl.runs import open_run

pytestmark = pytest.mark.skipif(
    orders.PARAMETER not in parameters_of("msfl"), reason="msfl has no parameter 'order'"
)
TOML = """
[training]
models = ["msfl", "majority"]
language_sets = "monolingual+all"
[model.msfl]
members = 2
units = 2
step = 2
size = 4
epochs = 3
batch_size = 8
"""


@pytest.fixture(scope="module")
def toy(make_toy: Callable[..., Path]) -> Path:
    """A finished run: two languages, six features."""
    names = [f"f{column}" for column in range(6)]
    return make_toy(TOML, names, takes=2, emotions=("anger", "sadness"), planted={"f0": (0, 2)})


def explanations(run) -> Explanations:
    return Explanations(run, ExplanationManifest(models={"attention": "msfl"}))


def test_orders_join_the_attention_of_the_run(toy: Path, tmp_path: Path, monkeypatch) -> None:
    run = open_run(shutil.copytree(toy, tmp_path / "run"))
    told: list[float] = []
    assert (
        orders.tables(explanations(run), run, orders=2, jobs=1, folds=["fold-01"], progress=told.append) == {}
    )
    assert told == [0.5, 1.0]
    cells = orders.read(run)
    assert cells is not None
    assert set(cells["order"]) == {0, 1, 2}
    assert set(cells["language_set"]) == {"all"}
    assert set(cells["fold"]) == {"fold-01"}
    features = [f"f{column}" for column in range(6)]
    np.testing.assert_allclose(cells[features].sum(axis=1), 1.0, atol=1e-5)
    by_order = {order: own[features].to_numpy() for order, own in cells.groupby("order")}
    assert not np.allclose(by_order[0], by_order[1], atol=1e-7)
    assert not np.allclose(by_order[1], by_order[2], atol=1e-7)
    table = orders.summary(run)
    assert table["order"].tolist() == [1, 2]
    assert table["kendall_tau_b"].between(-1, 1).all()

    # Repeated: nothing is trained again, and nothing changes.
    monkeypatch.setattr(orders, "retrain", lambda case: pytest.fail("trained again"))
    orders.tables(explanations(run), run, orders=2, jobs=1, folds=["fold-01"])
    pd.testing.assert_frame_equal(orders.read(run), cells)


def test_what_was_lost_or_belongs_to_another_training_is_trained_again_and_comes_out_the_same(
    toy: Path, tmp_path: Path
) -> None:
    run = open_run(shutil.copytree(toy, tmp_path / "run"))
    options = {"orders": 1, "jobs": 1, "folds": ["fold-02"]}
    orders.tables(explanations(run), run, **options)
    first = orders.read(run)
    record = next((run.path / orders.FOLDER).glob("*/record.json"))
    facts = json.loads(record.read_text())
    record.write_text(json.dumps(facts | {"started": "2001-01-01"}))
    (run.path / orders.TABLE).unlink()
    assert orders.read(run) is None
    orders.tables(explanations(run), run, **options)
    pd.testing.assert_frame_equal(orders.read(run), first)
    assert json.loads(record.read_text()) == facts
    assert not list((run.path / orders.FOLDER).glob("*.work"))


def test_the_order_of_the_run_gives_the_model_of_the_run(toy: Path, tmp_path: Path) -> None:
    """Order 0 is no other order: retraining is the training of the run, but for the order."""
    run = open_run(shutil.copytree(toy, tmp_path / "run"))
    (run.path / orders.FOLDER).mkdir(parents=True)
    record = next(job for job in run.jobs if job.id.startswith("all--msfl--fold-01"))
    case = orders.OrderCase(run.path, record, 0)
    orders.retrain(case)
    again = pd.read_parquet(case.folder / "cells.parquet")
    own = orders._own_cells(run, record)
    features = [f"f{column}" for column in range(6)]
    np.testing.assert_allclose(again[features], own[features], atol=1e-5)
    facts = json.loads((case.folder / "record.json").read_text())
    assert facts["uar"] == pytest.approx(facts["uar_as_trained"])


def test_requests_that_make_no_sense(toy: Path) -> None:
    run = open_run(toy)
    found = explanations(run)
    with pytest.raises(UsageError, match=r"no language set 'al'\. Did you mean 'all'"):
        orders.tables(found, run, language_set="al")
    with pytest.raises(UsageError, match="no finished fold 'fold-1'"):
        orders.tables(found, run, folds=["fold-1"])
    with pytest.raises(UsageError, match=r"'majority'.*does not read the features in an order"):
        orders.tables(found, run, model="majority")


def test_a_run_without_a_sequence_model_is_refused(toy: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(toy, tmp_path / "run")
    for job in (folder / "jobs").glob("*--msfl--*"):
        facts = json.loads((job / "job.json").read_text())
        facts["parameters"]["units"] = 0
        (job / "job.json").write_text(json.dumps(facts))
    run = open_run(folder)
    with pytest.raises(DataError, match="their order cannot matter"):
        orders.tables(explanations(run), run)

"""Reading parts of tables, and parts of pages that come later."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.data import Data
from dashboard.later import Drawn, fill, part_of
from dashboard.pages import Page, load_pages, overview
from dashboard.pieces import Pieces
from dashboard.state import read_state
from dashboard.texts import texts_for

EN = texts_for("en")


def table(rows: int, seed: int, *, ordered: bool) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    made = pd.DataFrame(
        {
            "task": draw.choice(["emotion", "language"], rows),
            "set": draw.choice(["all", "de", "zh"], rows),
            "part": draw.choice(["", "anger", None], rows),
            "rank": draw.integers(0, 50, rows),
            "value": draw.normal(size=rows),
        }
    )
    return made.sort_values(["task", "set", "part"], ignore_index=True) if ordered else made


def kept(made: pd.DataFrame, wanted: dict[str, Any]) -> pd.DataFrame:
    keep = np.ones(len(made), dtype=bool)
    for name, value in wanted.items():
        keep &= made[name].isin(list(value) if isinstance(value, tuple) else [value]).to_numpy()
    return made[keep].reset_index(drop=True)


@settings(deadline=None, max_examples=60)
@given(
    rows=st.integers(0, 400),
    seed=st.integers(0, 20),
    ordered=st.booleans(),
    order=st.sampled_from([(), ("part", "set", "task")]),
    wanted=st.fixed_dictionaries(
        {},
        optional={
            "task": st.sampled_from(["emotion", "language", "nothing"]),
            "set": st.sampled_from(["de", ("all", "zh"), ("nothing",)]),
            "part": st.sampled_from(["", "anger"]),
            "rank": st.integers(0, 50),
        },
    ),
)
def test_a_piece_is_what_a_filter_of_the_whole_would_keep(
    rows: int,
    seed: int,
    ordered: bool,
    order: tuple[str, ...],
    wanted: dict[str, Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    file = tmp_path_factory.mktemp("pieces") / "table.parquet"
    made = table(rows, seed, ordered=ordered)
    pq.write_table(pa.Table.from_pandas(made, preserve_index=False), file, row_group_size=37)
    columns = ["value", "rank"]
    found = Pieces(file, order).read(columns, tuple(wanted.items()))
    expected = kept(pd.read_parquet(file), wanted)[columns]
    pd.testing.assert_frame_equal(found.reset_index(drop=True), expected)


def test_what_was_drawn_last_is_kept_and_the_oldest_goes() -> None:
    made: list[str] = []

    def make(name: str) -> Any:
        return lambda: made.append(name) or name

    drawn = Drawn(most=2)
    for name in ("a", "b", "a", "c", "a", "b"):
        assert drawn.get(name, make(name)) == name
    assert made == ["a", "b", "c", "b"]


def test_a_part_is_drawn_anew_when_the_run_changed(data: Data, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    monkeypatch.setitem(overview.PARTS, "scores", lambda *_: calls.append("drawn") or "x")
    state, _ = read_state("/overview", "", data)
    for _ in range(3):
        assert part_of(overview, "scores", state, data, EN) == "x"
    assert len(calls) == 1
    file: Path = data.run(state).run.path / "scores.parquet"
    before = file.stat()
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    part_of(overview, "scores", state, data, EN)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert len(calls) == 2


@pytest.mark.parametrize(
    "page", [page for page in load_pages() if hasattr(page, "PARTS")], ids=lambda page: page.NAME
)
def test_a_part_that_fails_is_a_sentence_in_its_place(
    page: Page, data: Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> Any:
        raise ZeroDivisionError("secret detail")

    for name in page.PARTS:
        monkeypatch.setitem(page.PARTS, name, broken)  # type: ignore[arg-type]
    state, _ = read_state(f"/{page.NAME}", "", data)
    made = str(fill(page.layout(state, data, EN), page, state, data, EN))
    assert "secret detail" not in made

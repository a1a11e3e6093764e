"""Shared features by three definitions, overlaps beside two chance levels, and the tables of both."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest

from analyses.overlap import overlap
from analyses.rotation import Rotations
from analyses.shared_definitions import aggregated, in_every_top, same_effect, same_sign
from analyses.shared_tables import lists_of, overlap_rows, shared_rows

ITEMS = tuple(f"x{number:02}" for number in range(40))
SETS = {"de": ("de",), "it": ("it",), "zh": ("zh",), "all": ("de", "it", "zh")}


def test_in_every_top_keeps_the_order_of_the_first_list():
    assert in_every_top({"all": ["c", "a", "b"], "de": ["a", "b", "c"], "it": ["b", "c", "z"]}) == ["c", "b"]


def scores(first, seed):
    """A list with these items first, the others in random order."""
    rest = np.random.default_rng(seed).permutation([item for item in ITEMS if item not in first])
    return pd.Series(np.linspace(2, 0, len(ITEMS)), index=[*first, *rest])


def test_aggregated_finds_what_is_high_in_every_language():
    found = aggregated(
        {"de": scores(["x07", "x03"], 1), "it": scores(["x03", "x07"], 2), "zh": scores(["x07"], 3)}
    )
    assert found.index[0] == "x07"
    assert found.loc["x07", "shared"]
    assert found.loc["x07", "p_value"] == pytest.approx((2 / 40) ** 3 * 3 * 40)
    assert found.loc["x07", "detail"] == "de rank 1; it rank 2; zh rank 1"
    assert found["shared"].sum() <= 2


def signed(**means):
    """Signed values of six repeats per item."""
    spread = np.array([-0.2, -0.1, 0, 0, 0.1, 0.2])
    return pd.DataFrame({name: mean + spread for name, mean in means.items()})


def test_same_sign_wants_every_interval_on_the_same_side():
    found = same_sign(
        {"de": signed(up=1, down=-1, mixed=1, weak=1), "it": signed(up=0.5, down=-2, mixed=-1, weak=0.05)}
    )
    assert found["direction"].to_dict() == {"up": 1, "down": -1, "mixed": 0, "weak": 0}
    assert found["shared"].to_dict() == {"up": True, "down": True, "mixed": False, "weak": False}
    # mean .05, standard deviation sqrt(.1 / 5) = .141, t(5) = 2.571: half width .148
    assert found.loc["weak", "detail"].endswith("it +0.05 [-0.098, +0.2]")


def test_one_repeat_gives_no_interval_and_therefore_no_claim():
    assert same_sign({"de": signed(up=1).head(1), "it": signed(up=1)}).empty


def directions():
    rows = [
        ("x01", "anger", 1, True),
        ("x01", "sadness", -1, True),
        ("x02", "anger", 1, True),
        ("x03", "anger", 0, False),
    ]
    frame = pd.DataFrame(rows, columns=["name", "emotion", "direction", "shared"])
    return frame.assign(contrast="rest", languages=2, agreeing=2)


def test_same_effect_reads_the_effect_sizes():
    whole = same_effect(directions())
    assert whole["shared"].to_dict() == {"x01": True, "x02": True, "x03": False}
    assert whole.loc["x01", "detail"] == "anger raises it everywhere; sadness lowers it everywhere"
    assert whole.loc["x01", "direction"] == 0  # it depends on the emotion
    assert same_effect(directions(), "anger").loc["x01", "direction"] == 1


def ranking(language_set, first, seed, part=""):
    ordered = scores(first, seed)
    return pd.DataFrame(
        {
            "method": "shap",
            "task": "emotion",
            "language_set": language_set,
            "part_kind": "emotion" if part else "",
            "part": part,
            "level": "feature",
            "name": ordered.index,
            "in_words": ordered.index,
            "contour": ordered.index,
            "family": "other",
            "lift": ordered.to_numpy(),
            "rank": np.arange(1, len(ordered) + 1),
        }
    )


def rankings():
    return pd.concat(
        [ranking("all", ["x05", "x06"], 0), ranking("all", ["x09"], 9, "anger")]
        + [ranking(name, ["x06", "x05"], number) for number, name in enumerate(("de", "it", "zh"), start=1)]
    )


def test_the_lists_are_the_multilingual_one_and_the_monolingual_ones():
    lists = {one.place["part"]: one for one in lists_of(rankings(), SETS, top=4)}
    assert lists[""].name == "all"
    assert list(lists[""].alone) == ["de", "it", "zh"]
    assert lists[""].top == 4
    assert lists["anger"].alone == {}  # no monolingual list of this part: nothing to compare


def test_the_shared_table_has_every_definition():
    lists = next(one for one in lists_of(rankings(), SETS, top=2) if not one.place["part"])
    table = shared_rows(lists, directions=directions())
    found = table[table["shared"]].groupby("definition")["name"].agg(set).to_dict()
    assert found == {"top": {"x05", "x06"}, "aggregated": {"x05", "x06"}, "direction": {"x01", "x02"}}
    top = table[table["definition"] == "top"].set_index("name")
    assert top.loc["x05", "rank"] == 1
    assert top.loc["x05", "detail"] == "de rank 2; it rank 2; zh rank 2"
    by_sign = shared_rows(lists, signed={"de": signed(x07=1), "it": signed(x07=1), "zh": signed(x07=2)})
    assert set(by_sign.loc[by_sign["shared"] & (by_sign["definition"] == "direction"), "name"]) == {"x07"}


def test_one_language_has_nothing_to_share():
    (lists,) = lists_of(ranking("de", [], 0), SETS)
    assert shared_rows(lists).empty
    assert overlap_rows(lists, ITEMS).empty


def test_overlaps_stand_beside_both_chance_levels():
    lists = next(one for one in lists_of(rankings(), SETS, top=2) if not one.place["part"])
    table = overlap_rows(lists, ITEMS)
    every = table[
        (table["lists"] == "all & de alone & it alone & zh alone") & (table["counted"] == "feature")
    ]
    assert set(every["chance"]) == {"exact", "permutation"}
    assert (every["observed"] == 2).all()
    assert (every["p_value"] < 0.01).all()
    exact = every.set_index("chance").loc["exact"]
    assert exact["expected"] == pytest.approx(2**4 / 40**3)
    assert set(table["lists"]) > {"de alone & it alone & zh alone", "all & de alone"}


def test_rotations_are_the_circular_shifts_of_a_list():
    """Two lists of 3 out of 8, against all 64 pairs of rotations."""
    order = list("abcdefgh")
    lists = {"one": ["a", "b", "d"], "two": ["a", "b", "c"]}
    places = {name: {order.index(item) for item in items} for name, items in lists.items()}
    counts = [
        len({(p + i) % 8 for p in places["one"]} & {(p + j) % 8 for p in places["two"]})
        for i, j in product(range(8), repeat=2)
    ]
    found = Rotations(lists, order, draws=20_000).overlap(overlap("feature", lists, len(order)))
    assert found.expected == pytest.approx(np.mean(counts), abs=0.02)
    assert found.p_value == pytest.approx(np.mean(np.array(counts) >= 2), abs=0.015)


def test_clumped_lists_overlap_more_easily_when_rotated_than_at_random():
    """Ten neighbours each: by the random lists an overlap of 8 is impossible, by the rotations it is not rare."""
    order = [f"y{number:03}" for number in range(200)]
    lists = {"one": order[40:50], "two": order[42:52]}
    plain = overlap("feature", lists, len(order))
    assert plain.p_value < 1e-6
    assert 0.005 < Rotations(lists, order).overlap(plain).p_value < 0.06

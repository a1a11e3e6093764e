"""The demo corpus knows what was planted in it: how well the leading features of a run agree with that truth.

`hold_against` compares the lists of one method with it, for the eye; `table` gives every method of the explanations
its figures.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analyses.shared import Comparison
from msfl.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from analyses.explanations import Explanations
    from msfl.runs import Run

ALL = "all"
"""Where a shared cue is planted, and the name of the multilingual list."""
FILE = "planted.json"
READER = "demo"
LEVEL = 0.05
"""A list is said to hold a planted family if a random list would hold as many with less probability."""


@dataclass(frozen=True)
class Found:
    """How many features of a planted family are in the top of one list.

    Attributes:
        count: So many.
        p_value: Probability that a random list of this length has at least so many (hypergeometric).
        meant: Whether the family is planted in the language of the list; None for the multilingual list and a
            family that is planted in one language only, where neither answer would be wrong.
    """

    count: int
    p_value: float
    meant: bool | None

    @property
    def clear(self) -> bool:
        """Whether there are more than random lists have."""
        return self.p_value < LEVEL


@dataclass(frozen=True)
class PlantedFamily:
    """A family of contours that was planted, and what the lists hold of it.

    Attributes:
        where: `ALL`, or the language in which alone it is planted.
        family: The family.
        contours: Its contours that are planted.
        size: Number of their features.
        chance: How many of them a random list holds on average.
        lists: `ALL` or language -> what that list holds.
    """

    where: str
    family: str
    contours: tuple[str, ...]
    size: int
    chance: float
    lists: Mapping[str, Found]

    @property
    def words(self) -> str:
        """The contours, shortened: ``lspFreq[0-5], mfcc[0]``."""
        return ", ".join(_shortened(self.contours))


def hold_against(comparison: Comparison, facts: Mapping[str, Any]) -> list[PlantedFamily]:
    """Count the features of each planted family in the top of each list.

    Args:
        comparison: A comparison of features, multilingual and monolingual.
        facts: Content of ``planted.json``.

    Returns:
        Families planted in all languages first, then those of one language that the comparison has.
    """
    tops = {ALL: comparison.main.leaders}
    tops |= {language: ranking.leaders for language, ranking in comparison.monolingual.items()}
    places = {ALL: facts["shared"]}
    places |= {key: value for key, value in facts["language_specific"].items() if key in tops}
    return [
        _family(comparison, tops, places, where, family)
        for where, claim in places.items()
        for family in claim["families"]
    ]


def table(found: Explanations, run: Run) -> pd.DataFrame:
    """Compute ``planted.parquet``, see docs/explanations.md.

    Args:
        found: The explanations of a run, with rankings.
        run: The run.

    Raises:
        DataError: Nobody planted anything in these recordings.
    """
    facts = planted_facts(run)
    if facts is None:
        raise DataError(
            f"What the features of {run.path} should be is not known: only a synthetic corpus, such as that of "
            "`msfl demo`, knows what was planted in it."
        )
    from analyses.planted_figures import figures

    rankings = [found.table(f"rankings/{method}", task="emotion") for method in found.methods]
    shared = found.table("shared") if found.has("shared") else None
    return figures(rankings, shared, facts, run.manifest.language_sets)


def planted_facts(run: Run) -> dict[str, Any] | None:
    """Return what was planted in the recordings of a run; None for real speech.

    The truth lies beside the recordings. Where the folder is gone, the demo corpus has the one that this version
    plants.
    """
    if not run.manifest.data.synthetic:
        return None
    for name in run.utterances.groupby("corpus")["file"].first():
        for folder in list(Path(str(name)).parents)[:4]:
            if (folder / FILE).is_file():
                return _read_facts(folder / FILE)
    readers = {one.get("reader") for one in run.manifest.experiment.get("corpora", {}).values()}
    if readers == {READER}:
        from msfl.corpora.demo.planting import planted

        return planted(0)
    return None


def _read_facts(file: Path) -> dict[str, Any]:
    try:
        facts = json.loads(file.read_text(encoding="utf-8"))
        for claim in (facts["shared"], *facts["language_specific"].values()):
            _ = [*claim["contours"], *claim["families"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise DataError(
            f"{file} does not say what was planted: make the corpus again with `msfl demo`."
        ) from None
    found: dict[str, Any] = facts
    return found


def sentences(rows: list[PlantedFamily]) -> list[str]:
    """Say in words where the lists agree with the truth and where they do not."""
    found: dict[str, list[str]] = {}
    missed: dict[str, list[str]] = {}
    strange: dict[str, list[str]] = {}
    for row in rows:
        for name, one in row.lists.items():
            if one.meant:
                (found if one.clear else missed).setdefault(row.family, []).append(name)
            elif one.meant is False and one.clear:
                strange.setdefault(f"{row.family} of {row.where}", []).append(name)
    right, wrong = (sum(map(len, places.values())) for places in (found, missed))
    told = [f"Found where planted, {right} of {right + wrong}: {_listed(found)}."]
    if missed:
        told.append(f"Planted, but no more of it in the list than by chance: {_listed(missed)}.")
    if strange:
        told.append(f"In a list although not planted there: {_listed(strange)}.")
    return told


def _listed(places: Mapping[str, list[str]]) -> str:
    return "; ".join(f"{family} ({', '.join(names)})" for family, names in places.items()) or "nothing"


def _family(
    comparison: Comparison,
    tops: Mapping[str, list[str]],
    places: Mapping[str, Mapping[str, Any]],
    where: str,
    family: str,
) -> PlantedFamily:
    table = comparison.main.table
    contours = set(places[where]["contours"])
    inside = table[(table["family"] == family) & table["contour"].isin(contours)]
    lists = {}
    for name, top in tops.items():
        count = len(set(inside.index) & set(top))
        p_value = _at_least(count, len(table), len(inside), len(top))
        lists[name] = Found(count, p_value, _meant(places, where, name, set(inside["contour"])))
    length = len(tops[ALL])
    named = tuple(name for name in places[where]["contours"] if name in set(inside["contour"]))
    return PlantedFamily(where, family, named, len(inside), length * len(inside) / len(table), lists)


def _meant(places: Mapping[str, Mapping[str, Any]], where: str, name: str, contours: set[str]) -> bool | None:
    """Say whether a list should hold these contours; None where the truth leaves it open."""
    if where in (ALL, name):
        return True
    if name == ALL or contours & set(places[name]["contours"]):
        return None
    return False


def _at_least(count: int, population: int, size: int, drawn: int) -> float:
    from scipy.stats import hypergeom

    return float(hypergeom.sf(count - 1, population, size, drawn))


def _shortened(contours: tuple[str, ...]) -> list[str]:
    """Join contours that differ in their index only: ``lspFreq[0]``, ``lspFreq[1]`` -> ``lspFreq[0-1]``."""
    indices: dict[str, list[int]] = {}
    for contour in contours:
        found = re.fullmatch(r"(.+)\[(\d+)\]", contour)
        indices.setdefault(found[1] if found else contour, []).extend([int(found[2])] if found else [])
    return [
        f"{stem}[{min(places)}-{max(places)}]"
        if len(places) > 1
        else f"{stem}[{places[0]}]"
        if places
        else stem
        for stem, places in indices.items()
    ]

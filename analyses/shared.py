"""Shared features: those in the top of the multilingual model and of every monolingual one.

The ranking follows Ma & Wang (2022, doi 10.3390/app122412805), who compare the top attention weights of the
multilingual model with those of the monolingual ones; the chance levels are ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import pandas as pd

from analyses.overlap import Overlap, group_overlap, overlap, random_presence
from analyses.rankings import Ranking

WIDER = {"feature": ("contour", "family"), "contour": ("family",), "functional": (), "family": ()}
"""Levels at which the overlap of lists is counted besides their own."""


@dataclass(frozen=True)
class Comparison:
    """The multilingual ranking beside the monolingual ones.

    Attributes:
        part: The emotion or language that the rankings were restricted to; empty for all utterances.
        main: The ranking that is listed: the multilingual one, or the only one there is.
        monolingual: Language -> ranking of its monolingual model; empty if there is none.
        shared: Items in the top of `main` and of every monolingual ranking, best first.
        overlaps: Overlaps of the lists with their chance levels: all lists first, then pairs.
    """

    part: str
    main: Ranking
    monolingual: Mapping[str, Ranking]
    shared: tuple[str, ...]
    overlaps: tuple[Overlap, ...]

    def table(self) -> pd.DataFrame:
        """Return the whole list, best first: words, figures, monolingual ranks, shared or not."""
        frame = self.main.table.copy()
        if frame["direction"].isna().all():  # attention has none
            frame = frame.drop(columns="direction")
        for language, ranking in self.monolingual.items():
            frame[f"rank_{language}"] = ranking.table["rank"].reindex(frame.index)
        frame["shared"] = frame.index.isin(self.shared)
        keys = {"model": self.main.model, "language_set": self.main.language_set, "part": self.part}
        for position, (key, value) in enumerate((keys | {"level": self.main.level}).items()):
            frame.insert(position, key, value)
        return frame


def compare(main: Ranking, monolingual: Mapping[str, Ranking]) -> Comparison:
    """Compare the multilingual ranking with the monolingual ones, each list with its chance level.

    Args:
        main: The multilingual ranking.
        monolingual: Language -> ranking at the same level, over the same features.
    """
    lists = {main.language_set: main.leaders} | {
        f"{language} alone": ranking.leaders for language, ranking in monolingual.items()
    }
    if len(lists) < 2:
        return Comparison(main.part, main, monolingual, (), ())
    sets = [tuple(lists), *combinations(lists, 2)]
    if len(lists) > 3:
        sets.insert(1, tuple(lists)[1:])  # the monolingual lists among themselves
    groups = {
        level: {str(name): str(group) for name, group in main.table[level].items()}
        for level in WIDER[main.level]
    }
    random = {level: random_presence(lists, members) for level, members in groups.items()}
    overlaps = []
    for names in dict.fromkeys(sets):
        chosen = {name: lists[name] for name in names}
        overlaps.append(overlap(main.level, chosen, len(main.table)))
        for level, members in groups.items():
            overlaps.append(group_overlap(level, chosen, members, random[level]))
    return Comparison(main.part, main, monolingual, overlaps[0].common, tuple(overlaps))

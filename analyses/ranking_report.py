"""The first ranking of a run: which models to look at, the comparisons, and what is written to files."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from analyses.cells import Cells, collect
from analyses.rankings import Ranking, rank
from analyses.shared import Comparison, compare
from msfl.errors import DataError, UsageError, nearest

if TYPE_CHECKING:
    from msfl.runs import Run

PREFERRED = "msfl"
WARNING = (
    "Attention alone explains nothing. It says where a model looked, not why it decided, and is disputed as "
    "an explanation (Jain & Wallace 2019; Wiegreffe & Pinter 2019). Take these lists as questions for the "
    "other methods, not as findings."
)
"""Stands under every ranking that rests on attention alone."""


@dataclass(frozen=True)
class RankingReport:
    """The ranking of one run and model.

    Attributes:
        title: Protocol, normalisation and features of the run.
        model: Name of the model.
        language_set: The multilingual language set, or the only one.
        languages: Its languages.
        level: ``feature``, ``contour``, ``functional`` or ``family``.
        by: ``emotion``, ``language``, or empty.
        comparisons: One for all utterances, or one per emotion or language.
        notes: What the reader must know about this run.
    """

    title: str
    model: str
    language_set: str
    languages: tuple[str, ...]
    level: str
    by: str
    comparisons: tuple[Comparison, ...]
    notes: tuple[str, ...]

    def table(self) -> pd.DataFrame:
        """Return all comparisons as one table, one row per item and part."""
        return pd.concat([one.table().reset_index() for one in self.comparisons], ignore_index=True)

    def overlaps(self) -> pd.DataFrame:
        """Return all overlaps: part, level, lists, observed, expected, p_value, method, common."""
        rows = [
            {"part": one.part, "observed": found.observed} | asdict(found)
            for one in self.comparisons
            for found in one.overlaps
        ]
        return pd.DataFrame(rows)

    def write_csv(self, path: Path) -> None:
        """Write `table`: the whole list, not only its top."""
        _write(path, self.table().to_csv(index=False))

    def write_json(self, path: Path) -> None:
        """Write the lists, the overlaps, and the ranks of the leading items in every raw repeat."""
        _write(path, json.dumps(self.as_dict(), ensure_ascii=False, indent=2, allow_nan=False))

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {
            "title": self.title,
            "model": self.model,
            "language_set": self.language_set,
            "languages": list(self.languages),
            "level": self.level,
            "by": self.by,
            "notes": list(self.notes),
            "warning": WARNING,
            "parts": [_part(one) for one in self.comparisons],
        }


def report(
    run: Run,
    *,
    model: str | None = None,
    language_set: str | None = None,
    level: str = "feature",
    top: int = 10,
    by: str = "",
) -> RankingReport:
    """Rank the features of a run by attention.

    Args:
        run: A run folder.
        model: Which model; msfl by default, or the only one with attention.
        language_set: Which set to list; the one with most languages by default.
        level: ``feature``, ``contour``, ``functional`` or ``family``.
        top: How many items count as the top.
        by: ``emotion`` or ``language``: one comparison for each instead of one for all utterances.

    Raises:
        DataError: The run has no attention weights.
        UsageError: There is no such model or language set, or it has no attention.
    """
    if not run.has_attention:
        raise DataError(
            f"{run.path} has no attention weights: no model with attention has finished. Train one, such as "
            "msfl, and repeat."
        )
    emotions = run.utterances["emotion"] if by == "emotion" else None
    cells = collect(run.attention_batches(rows=4096), emotions)
    return report_of_cells(
        cells,
        run.manifest.language_sets,
        title=run.title(),
        feature_set=run.manifest.features.set,
        model=model,
        language_set=language_set,
        level=level,
        top=top,
        by=by,
    )


def report_of_cells(
    cells: Cells,
    language_sets: Mapping[str, tuple[str, ...]],
    *,
    title: str = "",
    feature_set: str | None = None,
    model: str | None = None,
    language_set: str | None = None,
    level: str = "feature",
    top: int = 10,
    by: str = "",
) -> RankingReport:
    """Rank features from collected attention; see `report` for the arguments."""
    if top < 1:
        raise UsageError(f"--top {top} is not possible: at least one item must be listed.")
    chosen = _model(cells, model)
    cells = cells.select(model=chosen)
    trained = {name: language_sets[name] for name in cells.values("language_set") if name in language_sets}
    main = _main_set(trained, language_set)
    alone = {
        languages[0]: name
        for name, languages in trained.items()
        if len(languages) == 1 and languages[0] in trained[main] and name != main
    }
    options = {"level": level, "top": top, "feature_set": feature_set}
    rankings = {name: cells.select(language_set=name) for name in {main, *alone.values()}}
    comparisons = [
        _comparison(rankings, main, alone, by, part, options) for part in _parts(rankings[main], by)
    ]
    return RankingReport(
        title=title,
        model=chosen,
        language_set=main,
        languages=trained[main],
        level=level,
        by=by,
        comparisons=tuple(comparisons),
        notes=tuple(_notes(trained[main], alone, comparisons, rankings[main])),
    )


def _comparison(
    cells: Mapping[str, Cells],
    main: str,
    alone: Mapping[str, str],
    by: str,
    part: str,
    options: Mapping[str, Any],
) -> Comparison:
    """Compare the rankings restricted to one emotion or language."""

    def ranking(name: str) -> Ranking | None:
        chosen = cells[name].select(**{by: part}) if by else cells[name]
        return rank(chosen, part=part, **options) if len(chosen.means) else None

    monolingual = {language: ranking(name) for language, name in sorted(alone.items())}
    listed = ranking(main)
    assert listed is not None  # its parts were taken from its own cells
    return compare(listed, {language: one for language, one in monolingual.items() if one is not None})


def _parts(cells: Cells, by: str) -> list[str]:
    if not by:
        return [""]
    parts = [value for value in cells.values(by) if value]
    if not parts:
        raise DataError(
            f"No test utterance of this run has a label for {by}, so there is nothing to split by."
        )
    return parts


def _model(cells: Cells, model: str | None) -> str:
    available = cells.values("model")
    if model is None:
        return PREFERRED if PREFERRED in available else available[0]
    if model not in available:
        raise UsageError(
            f"The model '{model}' has no attention weights in this run.{nearest(model, available)} "
            f"Attention is there for: {', '.join(available)}."
        )
    return model


def _main_set(trained: Mapping[str, tuple[str, ...]], wanted: str | None) -> str:
    if not trained:
        raise DataError(
            "The attention table names language sets that the manifest does not know; train again."
        )
    if wanted is None:
        return max(sorted(trained), key=lambda name: len(trained[name]))
    if wanted not in trained:
        raise UsageError(
            f"There is no attention for the language set '{wanted}'.{nearest(wanted, list(trained))} "
            f"There are {', '.join(sorted(trained))}."
        )
    return wanted


def _notes(
    languages: Iterable[str], alone: Mapping[str, str], comparisons: list[Comparison], cells: Cells
) -> list[str]:
    notes = []
    languages = list(languages)
    if len(languages) == 1:
        notes.append(
            "There is one language only, so nothing can be shared between languages: this is the ranking of "
            "that language. Train on a set of several languages to find shared features."
        )
    elif not alone:
        notes.append(
            "There is no monolingual model to compare with: add the monolingual language sets to the "
            'experiment (language_sets = "monolingual+all") to find shared features.'
        )
    elif missing := [language for language in languages if language not in alone]:
        notes.append(f"No monolingual model for {', '.join(missing)}: shared means shared by the others.")
    if any(one.main.nearly_uniform for one in comparisons):
        notes.append(
            "Attention is nearly uniform: the first item gets hardly more than its share, so the order says "
            "little."
        )
    if len(comparisons[0].main.repeats) == 1:
        notes.append("There is a single fold and seed: nothing can be said about how steady the ranking is.")
    if _folds_differ_in_language(cells):
        notes.append(
            "The folds test different languages, so the spread over folds holds the differences between "
            "languages; each language counts the same."
        )
    return notes


def _folds_differ_in_language(cells: Cells) -> bool:
    index = cells.means.index.to_frame(index=False)
    return index.groupby("fold")["language"].agg(frozenset).nunique() > 1


def _part(one: Comparison) -> dict[str, Any]:
    table = one.table().reset_index()
    ranks = one.main.repeat_ranks[one.main.leaders].reset_index()
    return {
        "part": one.part,
        "top": one.main.top,
        "shared": list(one.shared),
        "ranking": _records(table),
        "repeats": _records(ranks),
        "overlaps": [asdict(found) | {"observed": found.observed} for found in one.overlaps],
    }


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows as plain values; missing ones (the spread of a single repeat) become null."""
    records: list[dict[str, Any]] = json.loads(frame.to_json(orient="records", double_precision=10))
    return records


def _write(path: Path, text: str) -> None:
    if not path.parent.is_dir():
        raise UsageError(
            f"The folder {path.parent} does not exist; make it, or write '{path.name}' elsewhere."
        )
    temporary = path.with_name(path.name + ".part")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)

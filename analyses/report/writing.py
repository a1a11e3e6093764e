"""Makes the report of one run or several: page, tables, LaTeX, figures, model cards, summary."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analyses.report import files, findings
from analyses.report.context import Context, open_context
from msfl import __version__
from msfl.errors import DataError, UsageError

if TYPE_CHECKING:
    from analyses.report.page import Chapter
    from msfl.runs import Run

PAGE, SUMMARY = "report.html", "report.json"
_TITLE = "Which acoustic features carry emotion"


@dataclass(frozen=True)
class Report:
    """A report that was written.

    Attributes:
        folder: Its folder.
        page: The HTML page.
        summary: What ``report.json`` holds.
        notes: What the user should know: why there are no SVG files, for instance.
    """

    folder: Path
    page: Path
    summary: dict[str, Any]
    notes: tuple[str, ...] = ()


def report(
    runs: Run | Path | str | Sequence[Run | Path | str],
    out: Path | str = "report",
    *,
    top: int = 10,
    svg: bool = True,
    say: Callable[[str], None] = lambda _: None,
) -> Report:
    """Write the report of one run or several, each with a chapter of its own.

    Args:
        runs: Run folders, with explanations (`msfl explain`) or without.
        out: Folder to write into; files of an earlier report there are replaced.
        top: How many items count as the top, where there are no explanations that say so themselves.
        svg: Whether to write the figures as SVG, too.
        say: Receives a sentence before something that takes a while.

    Returns:
        Where it is and what it says.

    Raises:
        UsageError: There is no run.
        DataError: A run folder cannot be read, or `out` is a run folder.
    """
    from analyses.report.page import render

    opened = _opened(runs)
    folder = _folder(Path(out), opened)
    made: list[tuple[Context, Chapter]] = []
    for run in opened:
        context = open_context(run, top=top, say=say, beside=opened)
        made.append((context, _chapter(context, [chapter.name for _, chapter in made])))
    say("Writing the page ...")
    now = datetime.now(UTC)
    chapters = [chapter for _, chapter in made]
    title = f"{_TITLE}: {chapters[0].title}" if len(chapters) == 1 else _TITLE
    page = folder / PAGE
    by = f"Made by msfl {__version__} on {now:%d %B %Y}. All tables are in the folders beside this page."
    files.write_text(page, render(chapters, title=title, made=by))
    notes = [note for context, chapter in made for note in _write(folder, context, chapter, svg, say)]
    summary = {
        "kind": "msfl report",
        "schema_version": 1,
        "msfl_version": __version__,
        "created": now.isoformat(timespec="seconds"),
        "runs": [summarised(context, chapter) for context, chapter in made],
    }
    files.write_summary(folder / SUMMARY, summary)
    return Report(folder, page, summary, tuple(dict.fromkeys(notes)))


def summarised(context: Context, chapter: Chapter) -> dict[str, Any]:
    """Return a run in plain values: what it is, scores, shared features, trust, what is missing and why."""
    from analyses.report.sections.shared import leaders_table

    run, comparison = context.run, context.comparison
    leaders = leaders_table(context)
    verdicts = context.table("verdicts")
    missing = (
        dict(context.explanations.manifest.missing)
        if context.explanations
        else {"explanations": context.unexplained}
    )
    return {
        "name": run.manifest.name,
        "folder": chapter.name,
        "title": run.title(),
        "synthetic": run.manifest.data.synthetic,
        "languages": list(context.languages),
        "methods": list(context.methods),
        "findings": [sentence for make in findings.ALL for sentence in make(context)],
        "warnings": list(run.manifest.warnings),
        "scores": comparison.records() if comparison else [],
        "gains": [] if context.gains is None else context.gains.to_dict("records"),
        "features": leaders.to_dict("records"),
        "verdicts": [] if verdicts is None else verdicts.to_dict("records"),
        "missing": missing,
        "tables": files.written_names(chapter, context),
    }


def _write(
    folder: Path, context: Context, chapter: Chapter, svg: bool, say: Callable[[str], None]
) -> list[str]:
    from analyses.report.card import model_card
    from analyses.report.images import write_svg

    say(f"Writing the tables of {chapter.title} ...")
    own = folder / chapter.name
    files.write_chapter(own, chapter, context, model_card(context))
    figures = list(chapter.figures())
    if not svg or not figures:
        return []
    say(f"Drawing {len(figures)} figures as SVG ...")
    note = write_svg(own / "figures", figures)
    return [note] if note else []


def _chapter(context: Context, used: Sequence[str]) -> Chapter:
    from analyses.report.page import Chapter
    from analyses.report.sections import sections

    manifest = context.run.manifest
    context.say(f"Reading {context.run.path} ...")
    return Chapter(
        name=files.slug(manifest.name, used),
        title=manifest.name,
        subtitle=context.run.title(),
        synthetic=manifest.data.synthetic,
        sections=sections(context),
    )


def _opened(runs: Run | Path | str | Sequence[Run | Path | str]) -> list[Run]:
    from msfl.runs import Run, open_run

    several = [runs] if isinstance(runs, Run | Path | str) else list(runs)
    if not several:
        raise UsageError("A report needs at least one run folder.")
    return [one if isinstance(one, Run) else open_run(one) for one in several]


def _folder(out: Path, runs: Sequence[Run]) -> Path:
    """Make the folder of the report; it must not lie on a run, whose files have names of their own."""
    if out.exists() and not out.is_dir():
        raise DataError(f"{out} is a file, and the report needs a folder: choose another after -o.")
    if any(out.resolve() == run.path.resolve() for run in runs):
        raise DataError(
            f"{out} is the run folder itself: choose another folder for the report, such as {out / 'report'}."
        )
    out.mkdir(parents=True, exist_ok=True)
    return out

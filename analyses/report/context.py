"""What a section of the report knows: the run, its explanations, and what stands in for them where there are none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from analyses.report import words
from msfl.errors import MsflError

if TYPE_CHECKING:
    import pandas as pd

    from analyses.explanations import Explanations
    from msfl.results import Comparison
    from msfl.runs import Run

ATTENTION, CONSENSUS, SHAP = "attention", "consensus", "shap"
MAIN_TASK = "emotion"
PREFERRED = (CONSENSUS, SHAP, "owen", "linear", "permutation", ATTENTION)
"""Which ranking stands beside attention's: the first of these that is there."""


@dataclass(frozen=True)
class Context:
    """What a section is made from.

    Attributes:
        run: The run.
        explanations: What `msfl explain` found; None where it has not been run.
        unexplained: Why there are no explanations; empty if there are some.
        top: How many items count as the top.
        say: Receives a sentence before something that takes a while.
        beside: All runs of the report, this one among them.
    """

    run: Run
    explanations: Explanations | None
    unexplained: str = ""
    top: int = 10
    say: Callable[[str], None] = field(default=lambda _: None)
    beside: Sequence[Run] = ()

    # --- the run ---

    @cached_property
    def language_set(self) -> str:
        """Name of the set with most languages that was trained."""
        trained = {job.language_set for job in self.run.jobs if job.status == "done"}
        sets = self.run.manifest.language_sets
        known = sorted(trained & set(sets)) or sorted(sets)
        return max(known, key=lambda name: len(sets[name]))

    @property
    def languages(self) -> tuple[str, ...]:
        """Languages of `language_set`."""
        return self.run.manifest.language_sets[self.language_set]

    @cached_property
    def alone(self) -> dict[str, str]:
        """Language -> name of the set of this language alone, for the languages of `language_set`."""
        sets = self.run.manifest.language_sets
        return {
            tags[0]: name
            for name, tags in sorted(sets.items())
            if len(tags) == 1 and tags[0] in self.languages and name != self.language_set
        }

    def set_words(self, name: str) -> str:
        """Return a language set in words: ``all languages``, ``German alone``, ``German and Italian together``."""
        if name == "monolingual":
            return "each language alone"
        tags = self.run.manifest.language_sets.get(name, ())
        if name == self.language_set and len(tags) > 1:
            return "all languages"
        if len(tags) == 1:
            return f"{words.language(tags[0])} alone"
        return f"{words.languages(tags)} together" if tags else name

    def group_words(self, name: str) -> str:
        """Return a corpus, or a language in words."""
        return words.language(name) if name in self.languages else name

    @cached_property
    def comparison(self) -> Comparison | None:
        """Scores of all systems; None where the run has none (see `why_no_scores`)."""
        from msfl.results import compare

        try:
            return compare(self.run)
        except MsflError:
            return None

    @cached_property
    def differences(self) -> pd.DataFrame | None:
        """Every system against the best baseline, paired over speakers; None where there is nothing to compare."""
        from msfl.results import differences

        try:
            frame = differences(self.run, "best")
        except MsflError:  # there is no baseline
            return None
        return None if frame.empty else frame

    @cached_property
    def gains(self) -> pd.DataFrame | None:
        """What every system gains on its twin; None where no system stands beside its twin."""
        from msfl.results import gains

        frame = gains(self.run, task=self.comparison.task) if self.comparison else None
        return None if frame is None or frame.empty else frame

    def command(self, verb: str, options: str = "") -> str:
        """Return a command about this run, as one types it."""
        import shlex

        return f"msfl {verb} {shlex.quote(str(self.run.path))}{' ' if options else ''}{options}"

    # --- explanations ---

    @cached_property
    def _attention(self) -> dict[str, pd.DataFrame]:
        """The tables that attention alone gives, where `msfl explain` has not been run."""
        from analyses.report.attention_only import tables

        if self.explanations is not None or not self.run.has_attention:
            return {}
        self.say(f"{self.run.path}: ranking by attention ...")
        return tables(self.run, top=self.top)

    @property
    def methods(self) -> tuple[str, ...]:
        """Methods with rankings; `attention` alone where `msfl explain` has not been run."""
        if self.explanations is not None:
            return self.explanations.methods
        return (ATTENTION,) if self._attention else ()

    @property
    def main_method(self) -> str:
        """The method that stands beside attention; empty where there is no ranking at all."""
        known = [name for name in PREFERRED if name in self.methods]
        return next(iter(known), next(iter(self.methods), ""))

    @property
    def both(self) -> list[str]:
        """The two rankings that are shown side by side: the main one, and attention."""
        return [name for name in dict.fromkeys([self.main_method, ATTENTION]) if name in self.methods]

    def table(
        self, table: str, /, columns: Sequence[str] | None = None, **filters: object
    ) -> pd.DataFrame | None:
        """Return a table of docs/explanations.md, or the part of it that is wanted; None where there is none.

        Args:
            table: Such as ``shared`` or ``rankings/shap``.
            columns: Columns to read; all by default.
            **filters: Column = value, or a list of values: only such rows.
        """
        if self.explanations is None:
            frame = self._attention.get(table)
        elif not self.explanations.has(table):
            frame = None
        else:
            # `name` is the reader's own argument, so that rows with certain names are chosen afterwards
            early = {key: value for key, value in filters.items() if key != "name"}
            frame = self.explanations.table(table, columns=columns, **early)
            filters = {key: value for key, value in filters.items() if key == "name"}
        if frame is None:
            return None
        for key, value in filters.items():
            wanted = list(value) if isinstance(value, list | tuple | set | frozenset) else [value]
            frame = frame[frame[key].isin(wanted)]
        return (frame if columns is None else frame[list(columns)]).reset_index(drop=True)

    def why_missing(self, name: str) -> str:
        """Say in a sentence why a table is not there."""
        return self.unexplained if self.explanations is None else self.explanations.why_missing(name)

    def rankings(
        self,
        method: str,
        *,
        language_set: str | None = None,
        level: str = "feature",
        part_kind: str = "",
        part: str = "",
        task: str = MAIN_TASK,
    ) -> pd.DataFrame | None:
        """Return one ranking, best first; None where there is none."""
        found = self.table(
            f"rankings/{method}",
            task=task,
            language_set=language_set or self.language_set,
            part_kind=part_kind,
            part=part,
            level=level,
        )
        return None if found is None or found.empty else found.sort_values("rank", ignore_index=True)

    @cached_property
    def emotions(self) -> list[str]:
        """Emotions of the test utterances, the frequent ones first."""
        return [str(name) for name in self.run.utterances["emotion"].value_counts().index]

    def leaders(self, count: int | None = None) -> list[str]:
        """Return the shared features and the first of each ranking shown, best first, each once."""
        names: list[str] = []
        shared = self.table("shared", part_kind="", level="feature", method=self.both)
        if shared is not None and len(shared):
            names += list(shared[shared["shared"].astype(bool) & (shared["definition"] == "top")]["name"])
        for method in self.both:
            ranking = self.rankings(method)
            if ranking is not None:
                names += list(ranking["name"].head(self.top))
        return list(dict.fromkeys(map(str, names)))[:count]


def open_context(
    run: Run, *, top: int = 10, say: Callable[[str], None] = lambda _: None, beside: Sequence[Run] = ()
) -> Context:
    """Return the context of a run, with its explanations where there are some that can be read."""
    from analyses.explanations import open_explanations

    try:
        explanations = open_explanations(run)
    except MsflError as error:
        return Context(run, None, str(error), top, say, beside)
    return Context(run, explanations, "", int(explanations.manifest.settings.get("top", top)), say, beside)

"""The comparison of a run: a row per model and language set, a column per corpus, and the mean."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from msfl.errors import DataError, UsageError, nearest

if TYPE_CHECKING:
    import pandas as pd

    from msfl.manifest import JobRecord
    from msfl.runs import Run

METRICS = {"uar": "UAR", "war": "WAR", "macro_f1": "macro F1"}
MONOLINGUAL = "monolingual"
"""Language set of `msfl.evaluation.comparison.MONOLINGUAL`: each language with its own model."""
MEAN = "mean"
"""Column of the mean over corpora."""


@dataclass(frozen=True)
class Score:
    """One number, its 95 % interval (bootstrap over speakers), its spread over seeds; NaN where unknown."""

    value: float
    low: float
    high: float
    spread: float

    def __str__(self) -> str:
        return f"{short(self.value)} {self.interval}".rstrip()

    @property
    def interval(self) -> str:
        """The interval as ``[.760, .861]``; empty where there is none."""
        return "" if self.low != self.low else f"[{short(self.low)}, {short(self.high)}]"


@dataclass(frozen=True)
class Row:
    """One system of the comparison.

    Attributes:
        language_set: What it was trained on.
        model: Its name.
        seeds: ``1``, ``mean of 3``, or ``3 averaged`` for the ensemble.
        scores: Column to score; columns that the language set does not cover are absent.
    """

    language_set: str
    model: str
    seeds: str
    scores: Mapping[str, Score]


@dataclass(frozen=True)
class Comparison:
    """All systems of a run on one task.

    Attributes:
        title: Task, metric, protocol, normalisation and features: what a number means nothing without.
        columns: The corpora or languages, and `MEAN` over corpora where there are several.
        rows: The systems, best mean first within a language set.
    """

    title: str
    task: str
    metric: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    def records(self) -> list[dict[str, Any]]:
        """Return one flat dictionary per row and column, for CSV and JSON."""
        return [
            {
                "language_set": row.language_set,
                "model": row.model,
                "seeds": row.seeds,
                "group": column,
                self.metric: score.value,
                f"{self.metric}_low": score.low,
                f"{self.metric}_high": score.high,
                f"{self.metric}_sd": score.spread,
            }
            for row in self.rows
            for column, score in row.scores.items()
        ]


def compare(run: Run, *, task: str = "emotion", metric: str = "uar", by: str | None = None) -> Comparison:
    """Return the comparison of all systems of a run on one task.

    Args:
        run: The run.
        task: The task.
        metric: A key of `METRICS`.
        by: ``corpus`` or ``language``; by default languages where a corpus holds several of them.

    The monolingual models of a system stand in one row, ``monolingual``: every corpus with the model of its
    language.

    Raises:
        UsageError: The run has no such task or metric.
        DataError: The run has no scores.
    """
    scores = run.scores
    tasks = list(dict.fromkeys(scores["task"]))
    if not tasks:
        raise DataError(f"{run.path} holds no scores. Repeat its `msfl train`.")
    if task not in tasks:
        raise UsageError(
            f"{run.path} has no task '{task}' (there are {', '.join(tasks)}).{nearest(task, tasks)}"
        )
    if metric not in METRICS:
        raise UsageError(
            f"There is no metric '{metric}' ({', '.join(METRICS)}).{nearest(metric, list(METRICS))}"
        )
    found = scores[(scores["task"] == task) & scores["seed"].isin(["mean", "ensemble"])]
    by = by or _natural_level(scores)
    found = found[found["level"].isin([by, "overall"])]
    if (found["language_set"] == MONOLINGUAL).any():
        alone = [name for name, languages in run.manifest.language_sets.items() if len(languages) == 1]
        found = found[~found["language_set"].isin(alone)]
    groups = sorted(found.loc[found["level"] == by, "group"].unique())
    corpora = scores.loc[scores["level"] == "corpus", "group"].nunique()
    columns = (*groups, MEAN) if corpora > 1 else tuple(groups)
    counts = scores[~scores["seed"].isin(["mean", "ensemble"])].groupby("model")["seed"].nunique()
    rows = [
        _row(part, metric, columns, counts) for _, part in found.groupby(["language_set", "model", "seed"])
    ]
    order = [MONOLINGUAL, *sorted(run.manifest.language_sets, key=lambda name: len(run.language_set(name)))]
    rows.sort(key=lambda row: (order.index(row.language_set), -_headline(row), row.model, row.seeds))
    title = f"{task.capitalize()}, {METRICS[metric]} [95 % interval over speakers]; {run.title()}"
    return Comparison(title, task, metric, columns, tuple(rows))


def baselines(run: Run) -> list[str]:
    """Return the models of a run that are baselines."""
    from msfl.models.registry import is_baseline

    return [name for name in run.experiment.training.models if is_baseline(name)]


def best_baseline(run: Run, *, task: str = "emotion") -> str:
    """Return the baseline with the highest mean, as `msfl.evaluation.comparison.Contender.parse` reads it.

    Raises:
        UsageError: The run has no baseline for this task.
    """
    known = baselines(run)
    rows = [row for row in compare(run, task=task).rows if row.model in known]
    if not rows:
        raise UsageError(f"{run.path} has no baseline for the task '{task}'; name a model after --against.")
    return _contender(max(rows, key=_headline))


def differences(run: Run, against: str, *, task: str = "emotion") -> pd.DataFrame:
    """Compare every system of a run with one, pairwise on the same utterances.

    Args:
        run: The run.
        against: ``MODEL``, ``MODEL@LANGUAGE_SET``, either with ``:ensemble`` behind it, or ``best`` for the
            best baseline.
        task: The task.

    Returns:
        Columns system, against, group (corpus or mean over corpora), speakers, utterances, uar, uar_against,
        difference, low, high, p.

    Raises:
        UsageError: The run has no such model or task.
    """
    import pandas as pd

    from msfl.evaluation.comparison import Contender
    from msfl.evaluation.comparison import compare as pair

    other = str(Contender.parse(best_baseline(run, task=task) if against == "best" else against))
    predictions = run.predictions
    systems = [_contender(row) for row in compare(run, task=task).rows]
    tables = [
        pair(predictions, system, other, task=task).table.assign(system=system, against=other)
        for system in systems
        if str(Contender.parse(system)) != other
    ]
    if not tables:
        raise UsageError(f"{run.path} has nothing else to compare with '{other}'.")
    names = {"uar_a": "uar", "uar_b": "uar_against"}
    frame = pd.concat(tables, ignore_index=True).rename(columns=names)
    first = ["system", "against", "group"]
    return frame[[*first, *(name for name in frame.columns if name not in first)]]


def gains(run: Run, *, task: str = "emotion") -> pd.DataFrame:
    """Compare every system of a run with its twin, pairwise on the same utterances; of seeds the mean of the scores.

    Twins are those of the registry: the same network without what its paper adds.

    Returns:
        Columns language_set (``monolingual`` where each language has a model of its own), model, twin, group (corpus
        or mean over corpora), speakers, utterances, uar, uar_twin, difference, low, high (95 % interval over
        speakers), p; and for a corpus f1_gain, f1_gain_low, f1_gain_high, the relative gain in macro F1, see
        `msfl.evaluation.relative_gain`. No rows where no system has its twin beside it, or the two were tested on
        nothing in common, because jobs failed.

    Raises:
        UsageError: The run has no such task.
        DataError: The run has no scores.
    """
    import pandas as pd

    from msfl.evaluation.comparison import compare as pair
    from msfl.evaluation.relative_gain import relative_f1_gain
    from msfl.evaluation.tables import MEAN_OVER_CORPORA
    from msfl.models.registry import twin_of

    rows = [row for row in compare(run, task=task).rows if not row.seeds.endswith("averaged")]
    there = {(row.language_set, row.model) for row in rows}
    predictions = run.predictions[run.predictions["task"] == task]
    columns = ["language_set", "model", "twin", "group", "speakers", "utterances", "uar", "uar_twin"]
    columns += ["difference", "low", "high", "p", "f1_gain", "f1_gain_low", "f1_gain_high"]
    tables = []
    for row in rows:
        twin = twin_of(row.model)
        if (row.language_set, twin) in there:
            own, other = (f"{name}@{row.language_set}" for name in (row.model, twin))
            both = predictions[predictions["model"].isin([row.model, twin])]
            try:
                table = pair(both, own, other, task=task).table
            except DataError:  # what the one was tested on, failed with the other
                continue
            table = table.rename(columns={"uar_a": "uar", "uar_b": "uar_twin"})
            for place, group in table["group"].items():
                if group != MEAN_OVER_CORPORA:
                    gain = relative_f1_gain(both, own, other, str(group), task=task)
                    table.loc[place, ["f1_gain", "f1_gain_low", "f1_gain_high"]] = (
                        gain.gain,
                        gain.low,
                        gain.high,
                    )
            tables.append(table.assign(language_set=row.language_set, model=row.model, twin=twin))
    return pd.concat(tables, ignore_index=True)[columns] if tables else pd.DataFrame(columns=columns)


def training_notes(run: Run) -> list[str]:
    """Return what the trainings of a run have to say beside its numbers, alike sentences of a model as one."""
    groups: dict[tuple[str, str], list[tuple[JobRecord, str]]] = {}
    for job in run.jobs:
        for note in job.notes:
            groups.setdefault((job.model, re.split(r"[:(\d]", note)[0]), []).append((job, note))
    return [
        f"{model}, {len(found)} of {sum(job.model == model for job in run.jobs)} trainings (the first: "
        f"trained on {found[0][0].language_set}, {found[0][0].fold}, seed {found[0][0].seed}): {found[0][1]}"
        for (model, _), found in sorted(groups.items())
    ]


def _contender(row: Row) -> str:
    return f"{row.model}@{row.language_set}" + (":ensemble" if row.seeds.endswith("averaged") else "")


def _row(part: pd.DataFrame, metric: str, columns: Sequence[str], counts: pd.Series) -> Row:
    first = part.iloc[0]
    seeds = int(counts[first["model"]])
    kind = f"{seeds} averaged" if first["seed"] == "ensemble" else f"mean of {seeds}" if seeds > 1 else "1"
    scores = {}
    for _, line in part.iterrows():
        column = MEAN if line["level"] == "overall" else str(line["group"])
        if column in columns:
            values = (float(line[f"{metric}{end}"]) for end in ("", "_low", "_high", "_sd"))
            scores[column] = Score(*values)
    ordered = {column: scores[column] for column in columns if column in scores}
    return Row(str(first["language_set"]), str(first["model"]), kind, ordered)


def _natural_level(scores: pd.DataFrame) -> str:
    """Return ``corpus``, or ``language`` where there are more languages than corpora."""
    groups = scores.groupby("level")["group"].nunique()
    return "language" if groups.get("language", 0) > groups.get("corpus", 0) else "corpus"


def _headline(row: Row) -> float:
    """Return the mean over corpora, or over what there is."""
    if MEAN in row.scores:
        return row.scores[MEAN].value
    return sum(score.value for score in row.scores.values()) / max(len(row.scores), 1)


def short(value: float, *, signed: bool = False) -> str:
    """Write .815 as the field does, without the zero; with its sign if asked to."""
    return f"{value:{'+' if signed else ''}.3f}".replace("0.", ".", 1) if abs(value) < 1 else f"{value:.3f}"


def to_latex(comparison: Comparison) -> str:
    """Return the comparison as a LaTeX table (booktabs), with the title as its caption."""
    head = ["trained on", "model", "seeds", *comparison.columns]
    lines = [
        r"\begin{table}",
        rf"\caption{{{_tex(comparison.title)}}}",
        rf"\begin{{tabular}}{{lll{'r' * len(comparison.columns)}}}",
        r"\toprule",
        " & ".join(_tex(name) for name in head) + r" \\",
        r"\midrule",
    ]
    for row in comparison.rows:
        cells = [str(row.scores[column]) if column in row.scores else "--" for column in comparison.columns]
        lines.append(" & ".join(map(_tex, [row.language_set, row.model, row.seeds, *cells])) + r" \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", r"\end{table}"]) + "\n"


def _tex(text: str) -> str:
    signs = {"\\": r"\textbackslash{}", **{sign: f"\\{sign}" for sign in "&%$#_{}"}}
    signs |= {"~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    return "".join(signs.get(sign, sign) for sign in text)

"""The results table of the README: five corpora, unseen speakers, networks beside baselines on the same folds.

    python benchmarks/five_corpora.py CORPORA [--out runs/five-corpora] [--jobs 2] [--seeds 2] [--loso | --balancers]

CORPORA holds the folders emodb, ravdess, emovo, urdu and emotiontts-ko in their publishers' layouts. Writes two
experiments and their run folders, continues where an earlier call stopped, and prints the tables as Markdown.
Nothing is chosen on test folds: the parameters are the defaults of `msfl`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import pandas as pd

from msfl.evaluation.comparison import compare as pair
from msfl.execution import train
from msfl.experiment import load_experiment
from msfl.results import Comparison, compare
from msfl.runs import Run, open_run

EXPERIMENT = """# Five corpora, unseen speakers; written by benchmarks/five_corpora.py
name = "{name}"

[corpora]
emodb = "{corpora}/emodb"
ravdess = "{corpora}/ravdess"
emovo = "{corpora}/emovo"
urdu = {{ path = "{corpora}/urdu", normalisation = "train" }}   # its speakers give the emotion away: see `msfl scan`
emotiontts = "{corpora}/emotiontts-ko"

[data]
features = "IS10"
normalisation = "speaker"

[protocol]
name = "{protocol}"

[training]
language_sets = "{sets}"
models = {models}
seeds = {seeds}
{extra}"""
OURS = "msfl@all:ensemble"
BASELINES = ["linear-svm", "rbf-svm", "logistic-regression", "gradient-boosting", "majority"]


def main() -> None:
    """Run both experiments and print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpora", type=Path)
    parser.add_argument("--out", type=Path, default=Path("runs/five-corpora"))
    parser.add_argument("--jobs", type=int)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--loso", action="store_true", help="only the SVMs, leave-one-speaker-out")
    parser.add_argument("--balancers", action="store_true", help="only the other loss balancers")
    args = parser.parse_args()
    if args.loso:
        comparison = compare(run(args, "loso", "monolingual", BASELINES[:2], protocol="loso"))
        print(f"{comparison.title}\n")
        print_scores(comparison, comparison.columns)
        return
    if args.balancers:
        report_balancers(args)
        return
    grid = run(args, "grid", "monolingual+all", ["msfl", *BASELINES])
    report(grid)
    # On one language the single-task network is the multitask one: only the pooled one is trained.
    single = run(args, "single-task", "all", ["msfl-single-task"])
    without = run(args, "without-lstm", "all", ["msfl"], "\n[model.msfl]\nunits = 0\n")
    report_ablations(grid, {"without the language task": single, "without the LSTM": without})


def run(
    args: argparse.Namespace,
    name: str,
    sets: str,
    models: list[str],
    extra: str = "",
    protocol: str = "speaker-kfold:5",
) -> Run:
    """Write one experiment, train it (or go on), and open its run folder."""
    out = args.out / name
    file = write_experiment(args, name, sets, models, extra, protocol)
    train(load_experiment(file), out, jobs=args.jobs, say=lambda line: print(line, file=sys.stderr))
    return open_run(out)


def write_experiment(
    args: argparse.Namespace, name: str, sets: str, models: list[str], extra: str, protocol: str
) -> Path:
    """Write the file of an experiment on the five corpora."""
    args.out.mkdir(parents=True, exist_ok=True)
    file = Path(args.out / f"{name}.toml")
    quoted = "[" + ", ".join(f'"{model}"' for model in models) + "]"
    corpora = args.corpora.resolve().as_posix()
    text = EXPERIMENT.format(
        name=name,
        corpora=corpora,
        protocol=protocol,
        sets=sets,
        models=quoted,
        seeds=args.seeds,
        extra=extra,
    )
    file.write_text(text, encoding="utf-8")
    return file


def report(grid: Run) -> None:
    """Print scores, and the differences that the claims are about."""
    comparison = compare(grid)
    print(f"{comparison.title}\n")
    print_scores(comparison, comparison.columns)
    columns = comparison.columns
    alone = [row for row in comparison.rows if row.model in BASELINES and row.language_set == "monolingual"]
    print(
        f"\nDifference in UAR of {OURS} [95 % interval over speakers], p of a sign-flip test over speakers\n"
    )
    print("| against | " + " | ".join(columns) + " |\n" + "|---" * (1 + len(columns)) + "|")
    for other in ("msfl@monolingual:ensemble", *(f"{name}@all" for name in BASELINES[:2])):
        print_differences(grid.predictions, other, columns)
    cells = []
    for column in columns[:-1]:
        best = max(alone, key=lambda row: row.scores[column].value).model
        table = pair(grid.predictions, OURS, f"{best}@monolingual", corpora=[column]).table.set_index("group")
        cells.append(f"{difference(table.loc[[column]].squeeze())} ({best})")
    print("| the best monolingual baseline of each corpus | " + " | ".join(cells) + " | |")
    language = compare(grid, task="language")
    print(f"\n{language.title}\n")
    print_scores(language, language.columns)


def report_ablations(grid: Run, ablations: dict[str, Run]) -> None:
    """Print what the multilingual network loses, or gains, when a part of it is left out."""
    columns = compare(grid).columns
    predictions = [grid.predictions]
    print("\nUAR of the multilingual network with a part left out\n")
    print("| ablation | " + " | ".join(columns) + " |\n" + "|---" * (1 + len(columns)) + "|")
    for name, run_ in ablations.items():
        row = next(row for row in compare(run_).rows if row.seeds.endswith("averaged"))
        print(f"| {name} | " + " | ".join(str(row.scores[column]) for column in columns) + " |")
        predictions.append(run_.predictions.assign(model=name))
    print(f"\nDifference in UAR of {OURS}\n")
    print("| against | " + " | ".join(columns) + " |\n" + "|---" * (1 + len(columns)) + "|")
    for name in ablations:
        print_differences(pd.concat(predictions, ignore_index=True), f"{name}@all:ensemble", columns)


def report_balancers(args: argparse.Namespace) -> None:
    """Print the multilingual network under every other balancer; GradNorm is in the grid."""
    for position, name in enumerate(("fixed", "uncertainty", "dwa", "pcgrad")):
        balanced = run(args, f"balancing-{name}", "all", ["msfl"], f'balancing = "{name}"\n')
        comparison = compare(balanced)
        if not position:
            print(f"{comparison.title}\n\n| balancing | seeds | " + " | ".join(comparison.columns) + " |")
            print("|---" * (2 + len(comparison.columns)) + "|")
        for row in comparison.rows:
            cells = " | ".join(str(row.scores[column]) for column in comparison.columns)
            print(f"| {name} | {row.seeds} | {cells} |")


def print_scores(comparison: Comparison, columns: tuple[str, ...]) -> None:
    """Print a row per system."""
    print("| trained on | model | seeds | " + " | ".join(columns) + " |")
    print("|---" * (3 + len(columns)) + "|")
    for row in comparison.rows:
        cells = [str(row.scores[column]) if column in row.scores else "" for column in columns]
        print(f"| {row.language_set} | {row.model} | {row.seeds} | " + " | ".join(cells) + " |")


def print_differences(predictions: pd.DataFrame, other: str, columns: tuple[str, ...]) -> None:
    """Print what the multilingual network gains on another system, per corpus and on average."""
    table = pair(predictions, OURS, other).table.set_index("group")
    rows = [next(row for key, row in table.iterrows() if str(key).startswith(column)) for column in columns]
    print(f"| {other} | " + " | ".join(difference(row) for row in rows) + " |")


def difference(row: pd.Series) -> str:
    """Return a difference in UAR with its interval and p-value."""
    return f"{row['difference']:+.3f} [{row['low']:+.3f}, {row['high']:+.3f}], p {row['p']:.3f}"


if __name__ == "__main__":
    main()

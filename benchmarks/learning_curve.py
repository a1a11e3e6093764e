"""The learning curve over the share of labels: one run per share, joined on the same test utterances.

    python benchmarks/learning_curve.py EXPERIMENT.toml [--shares 0.05 0.1 0.25 1] [--out runs/curve] [--jobs 2]

EXPERIMENT names corpora, protocol and models (`semi-supervised-aae` and `semi-supervised-aae-supervised` among them, as
a rule); its `data.labelled` is replaced by each share. Continues where an earlier call stopped, and prints the curve as
Markdown. `msfl report` of the same run folders has it as table, figure and section.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from analyses.learning_curve import gains, learning_curve
from msfl.execution import train
from msfl.experiment import Experiment, load_experiment, parse_experiment
from msfl.runs import Run, open_run


def main() -> None:
    """Train one run per share and print the curve."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("experiment", type=Path)
    parser.add_argument("--shares", type=float, nargs="+", default=[0.05, 0.1, 0.25, 1.0])
    parser.add_argument("--out", type=Path, default=Path("runs/learning-curve"))
    parser.add_argument("--jobs", type=int)
    args = parser.parse_args()
    experiment = load_experiment(args.experiment)
    runs = [run(experiment, share, args.out, args.jobs) for share in sorted(set(args.shares))]
    print_curve(runs)


def run(experiment: Experiment, share: float, out: Path, jobs: int | None) -> Run:
    """Train one share, or go on with it."""
    name = f"{experiment.name}-labelled-{100 * share:g}"
    raw = experiment.model_dump(mode="json", exclude_none=True)
    raw["name"], raw["data"]["labelled"] = name, share
    checked = parse_experiment(raw, folder=Path.cwd(), where=f"--shares {share:g}")
    train(checked, out / name, jobs=jobs, say=lambda line: print(line, file=sys.stderr))
    return open_run(out / name)


def print_curve(runs: list[Run]) -> None:
    """Print the scores over the share of labels, and what unlabelled utterances add."""
    curve = learning_curve(runs)
    groups = list(dict.fromkeys(curve["group"]))
    print(f"{runs[-1].title()}\n\n| labelled | trained on | model | " + " | ".join(groups) + " |")
    print("|---" * (3 + len(groups)) + "|")
    for key, rows in curve.groupby(["labelled", "language_set", "model"]):
        share, language_set, model = rows["labelled"].iloc[0], *key[1:]
        cells = {
            row["group"]: f"{row['uar']:.3f} [{row['uar_low']:.3f}, {row['uar_high']:.3f}]"
            for row in rows.to_dict("records")
        }
        listed = " | ".join(cells.get(group, "") for group in groups)
        print(f"| {100 * share:g} % | {language_set} | {model} | {listed} |")
    added = gains(runs)
    if len(added):
        print("\nUAR minus that of the supervised twin [95 % interval over speakers]\n")
        print("| labelled | trained on | corpus | difference | p |\n|---|---|---|---|---|")
        for row in added.to_dict("records"):
            span = f"{row['difference']:+.3f} [{row['low']:+.3f}, {row['high']:+.3f}]"
            where = f"{row['language_set']} | {row['group']}"
            print(f"| {100 * row['labelled']:g} % | {where} | {span} | {row['p']:.3f} |")


if __name__ == "__main__":
    main()

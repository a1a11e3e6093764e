"""Five multitask systems, their single-task twins and two baselines on five corpora: the table of the README.

    python benchmarks/five_systems.py CORPORA [--out runs/five-systems] [--jobs 2] [--seeds 1] [--only NAME ...]
                                       [--protocols NAME ...] [--curve]

CORPORA holds emodb, ravdess, emovo, urdu and emotiontts-ko. Every model is trained on all languages together, on the
same folds: five folds of whole speakers, and each corpus in turn left out. With one corpus per language, which is what
these five are, leaving a corpus out is leaving its language out (``cross-corpus`` and ``leave-one-language-out`` make
the same folds; the script checks that), so that one run answers for both. Repeat the command to go on after an
interruption.

Printed for each protocol: UAR (with several seeds the mean of their scores, as the differences are) with 95 %
intervals by bootstrap over speakers, the difference to the twin on the same utterances, and for MTL-CNN on EMO-DB the
relative gain in macro F1, the number of its paper.

With ``--curve``: UAR of the autoencoder and its supervised twin over the share of labels, and nothing else.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from five_corpora import difference, print_scores, run, write_experiment
from learning_curve import print_curve
from learning_curve import run as run_share

from msfl.experiment import load_experiment
from msfl.models.registry import twin_of
from msfl.protocols import make_folds
from msfl.results import compare, gains
from msfl.runs import Run

SYSTEMS = (
    "msfl",
    "mtl-cnn",
    "attention-e2e",
    "aggregated-mtl",
    "aggregated-mtl-gender",
    "aggregated-mtl-naturalness",
    "aggregated-mtl-frames",
    "semi-supervised-aae",
)
VARIANTS = ("aggregated-mtl-gender", "aggregated-mtl-naturalness", "aggregated-mtl-frames")
"""Which of gender and naturalness helps, and the form over frames, are asked within corpora only."""
BASELINES = ("linear-svm", "majority")
PROTOCOLS = ("speaker-kfold:5", "cross-corpus")
SHARES = (0.1, 0.3, 1.0)
"""Shares of the training labels of the learning curve."""
CURVE = ("semi-supervised-aae", twin_of("semi-supervised-aae"), "linear-svm")


def main() -> None:
    """Train what is not trained yet, and print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpora", type=Path)
    parser.add_argument("--out", type=Path, default=Path("runs/five-systems"))
    parser.add_argument("--jobs", type=int)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--only", nargs="+", choices=SYSTEMS, help="some of the systems")
    parser.add_argument("--protocols", nargs="+", choices=PROTOCOLS, default=PROTOCOLS)
    parser.add_argument(
        "--curve", action="store_true", help="only the learning curve over the share of labels"
    )
    args = parser.parse_args()
    if args.curve:
        experiment = load_experiment(
            write_experiment(args, "curve", "all", list(CURVE), "", protocol=PROTOCOLS[0])
        )
        print_curve([run_share(experiment, share, args.out, args.jobs) for share in SHARES])
        return
    for protocol in args.protocols:
        systems = [
            name
            for name in SYSTEMS
            if name in (args.only or SYSTEMS) and not (protocol == "cross-corpus" and name in VARIANTS)
        ]
        models = list(dict.fromkeys([*systems, *map(twin_of, systems), *BASELINES]))
        report(run(args, protocol.partition(":")[0], "all", models, protocol=protocol), systems)


def report(finished: Run, systems: list[str]) -> None:
    """Print the scores of a finished run, and what each system gains on its twin."""
    comparison = compare(finished)
    columns = comparison.columns
    print(f"\n{comparison.title}\n")
    if finished.manifest.protocol.name == "cross-corpus":
        print(f"{same_as_leaving_a_language_out(finished)}\n")
    single = [row for row in comparison.rows if not row.seeds.endswith("averaged")]
    print_scores(replace(comparison, rows=tuple(single)), columns)
    print("\nDifference in UAR, system less twin, on the same utterances\n")
    print("| system | twin | " + " | ".join(columns) + " |\n" + "|---" * (2 + len(columns)) + "|")
    gained = gains(finished)
    for system in systems:
        table = gained[gained["model"] == system]
        cells = [difference(row) for _, row in table.iterrows()]
        print(f"| {system} | {twin_of(system)} | " + " | ".join(cells) + " |")
    if "mtl-cnn" in systems:
        row = gained[(gained["model"] == "mtl-cnn") & (gained["group"] == "emodb")].iloc[0]
        print(
            f"\nMTL-CNN on emodb, relative gain in macro F1 on its twin: {row['f1_gain']:+.1%} "
            f"[{row['f1_gain_low']:+.1%}, {row['f1_gain_high']:+.1%}] (its paper: +3.64 %)"
        )


def same_as_leaving_a_language_out(finished: Run) -> str:
    """Check that leaving a corpus out is leaving its language out here, and say so."""
    one, other = (
        {
            (tuple(fold.train), tuple(fold.test))
            for fold in make_folds(
                finished.utterances, protocol, duplicates=finished.utterances["content"].dropna()
            )
        }
        for protocol in ("cross-corpus", "leave-one-language-out")
    )
    same = "the same folds as" if one == other else "OTHER folds than"
    return f"(Each corpus left out in turn: {same} leaving each language out.)"


if __name__ == "__main__":
    main()

"""``msfl predict``: new recordings through the models of a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from msfl.commands.options import OutputFile
from msfl.errors import UsageError

if TYPE_CHECKING:
    from msfl.predict import Predicted
    from msfl.runs import Run

_WORST = 10
"""So many failures are named in the terminal."""


@click.command(short_help="Tell emotion and language of new recordings.")
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("files", nargs=-1)
@click.option("--model", help="Model of the run; by default the first one with attention.")
@click.option("--language-set", help="Languages it was trained on; by default the largest set.")
@click.option("--language", help="Language of the recordings, where it is known: de, it, ...")
@click.option("--speaker", help="Name of the speaker, where all recordings are by one.")
@click.option(
    "--top",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    help="Number of features with the most attention.",
)
@click.option(
    "--features-table",
    type=click.Path(path_type=Path),
    help="Features, for runs trained on a table of features.",
)
@click.option("--csv", "csv_file", type=OutputFile(), help="Write the predictions as CSV.")
@click.option("--json", "json_file", type=OutputFile(), help="Write the predictions as JSON.")
@click.option("--jobs", "-j", type=click.IntRange(min=1), help="Threads that extract features.")
def predict(
    run: Path,
    files: tuple[str, ...],
    model: str | None,
    language_set: str | None,
    language: str | None,
    speaker: str | None,
    top: int,
    features_table: Path | None,
    csv_file: Path | None,
    json_file: Path | None,
    jobs: int | None,
) -> int:
    """Tell emotion and language of new recordings with the models of a RUN.

    FILES are recordings of any sampling rate, folders, or lists (@list.txt, one path a line). The models of
    all folds and seeds are averaged. Under speaker normalisation, give the recordings of one speaker in one
    call.
    """
    from msfl.predict import collect, table_of, table_of_features
    from msfl.predict import predict as apply
    from msfl.runs import open_run

    opened = open_run(run)
    if files and features_table is not None:
        raise UsageError("Name recordings or give --features-table, not both.")
    if features_table is not None:
        table = table_of_features(features_table, language=language, speaker=speaker)
    elif files:
        table = table_of(collect(files), language=language, speaker=speaker)
    else:
        raise UsageError("Name recordings, a folder, or a list (@list.txt) to predict.")
    found = apply(
        opened, table, model=model, language_set=language_set, features_table=features_table, jobs=jobs
    )
    rows = _rows(found, opened, top)
    if csv_file:
        _write_csv(csv_file, rows)
    if json_file:
        from msfl.atomic import write_json

        write_json(json_file, _document(found, opened, rows))
    _print(found, opened, rows)
    return 1 if len(found.failures) else 0


def _rows(found: Predicted, run: Run, top: int) -> list[dict[str, Any]]:
    """Return one flat dictionary per recording, failed ones with their reason."""
    rows = []
    for utterance, values in found.table.iterrows():
        row = {str(key): float(value) if isinstance(value, float) else value for key, value in values.items()}
        for place, (name, weight) in enumerate(found.top(str(utterance), top), start=1):
            row |= {
                f"feature_{place}": name,
                f"weight_{place}": weight,
                f"words_{place}": _in_words(name, run),
            }
        rows.append({**row, "problem": ""})
    failed = found.failures.itertuples(index=False)
    return rows + [{"file": str(failure.file), "problem": str(failure.reason)} for failure in failed]


def _in_words(name: str, run: Run) -> str:
    from msfl.features.grammar import parse_or_unknown

    return parse_or_unknown(name, run.manifest.features.set).description


def _document(found: Predicted, run: Run, rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "run": run.manifest.name,
        "model": found.model,
        "language_set": found.language_set,
        "models_averaged": found.members,
        "normalisation": found.normalisation,
        "predictions": rows,
    }


def _write_csv(file: Path, rows: list[dict[str, Any]]) -> None:
    import pandas as pd

    from msfl.atomic import replacing

    with replacing(file) as work:
        pd.DataFrame(rows).to_csv(work, index=False)


def _print(found: Predicted, run: Run, rows: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    tasks = [info for info in ("emotion", "language") if info in found.table]
    attentive = found.attention is not None
    between = "\n" if attentive else " "
    synthetic = " The models were trained on SYNTHETIC speech." if run.manifest.data.synthetic else ""
    table = Table(
        "recording",
        *(f"{task}{between}probability" for task in tasks),
        *(["most attention"] if attentive else []),
        title=f"{found.model} trained on {found.language_set}, {found.members} models averaged",
        caption=f"Normalisation: {found.normalisation}.{synthetic}",
        show_lines=attentive,
    )
    for row in rows:
        if row["problem"]:
            continue
        said = [f"{row[task]}{between}{row[f'{task}_probability']:.2f}" for task in tasks]
        words = [f"- {value}" for key, value in row.items() if key.startswith("words_")]
        cells = [Path(row["file"]).name, *said, *(["\n".join(words)] if words else [])]
        table.add_row(*map(Text, cells))
    if len(found.table):
        console.print(table)
    for failure in found.failures.head(_WORST).itertuples(index=False):
        named = str(failure.file) in str(failure.reason)
        sentence = str(failure.reason) if named else f"{failure.file}: {failure.reason}"
        console.print(sentence, markup=False, soft_wrap=True)
    if len(found.failures) > _WORST:
        console.print(f"... and {len(found.failures) - _WORST} more recordings without a prediction.")

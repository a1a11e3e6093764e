"""``msfl extract``: openSMILE features of corpora, as a table for any other program."""

from __future__ import annotations

from pathlib import Path

import click

from msfl.errors import DataError


@click.command(short_help="Extract openSMILE features of corpora into one table.")
@click.argument("corpora", nargs=-1, required=True, metavar="NAME=PATH...")
@click.option(
    "--features",
    default="IS10",
    show_default=True,
    help="openSMILE set: IS09, IS10, IS11, IS12, IS13, ComParE_2016, GeMAPS, eGeMAPSv02, emobase, ...",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("features.parquet"),
    show_default=True,
    help="Where to write; .parquet or .csv decides about the format.",
)
@click.option("-j", "--jobs", type=click.IntRange(min=1), help="Threads (default: one per core).")
@click.option(
    "--cache",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the cache (default: $MSFL_CACHE, else $XDG_CACHE_HOME/msfl, else ~/.cache/msfl).",
)
@click.option("--quiet", is_flag=True, help="Show no progress.")
def extract(
    corpora: tuple[str, ...], features: str, output: Path, jobs: int | None, cache: Path | None, quiet: bool
) -> int:
    """Extract the openSMILE features of corpora into one table, one row per recording.

    NAME is a reader (`msfl corpora` lists them): emodb=PATH, manifest=table.csv; NAME:LABEL=PATH where one
    reader serves two corpora.

    Every recording is mixed down, resampled to 16 kHz and clipped first. What was extracted before comes from
    the cache, so a stopped command continues when it is repeated. Recordings without features are listed with
    the reason in a CSV file beside the table, and the exit code is then 1.

    Example: msfl extract emodb=corpora/emodb urdu=corpora/urdu -o features.parquet
    """
    from rich.console import Console

    from msfl.corpora import load_all
    from msfl.features.export import check_suffix, extract_to_file
    from msfl.features.sets import feature_set

    check_suffix(output)
    size = feature_set(features).size
    table = load_all(corpora)
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"The folder '{output.parent}' cannot be made: {error.strerror}.") from error
    done = extract_to_file(table, output, features, cache=cache, jobs=jobs, progress=not quiet)
    console = Console(highlight=False, soft_wrap=True)
    console.print(
        f"{done.extracted} extracted, {done.cached} from the cache, {len(done.failures)} failed: "
        f"{output} ({len(done.hashes)} recordings x {size} features of {features})",
        markup=False,
    )
    report = output.with_name(f"{output.stem}.failures.csv")
    report.unlink(missing_ok=True)  # of an earlier run; it would accuse recordings that were mended since
    if done.failures.empty:
        return 0
    done.failures.to_csv(report, index=False)
    for reason in done.failures["reason"].head(5):
        console.print(f"  {reason}", markup=False)
    rest = len(done.failures) - 5
    console.print(f"  {f'and {rest} more: ' if rest > 0 else 'Also in '}{report}", markup=False)
    return 1

"""``msfl dashboard``: the pages over finished runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from msfl.errors import DataError, UsageError

if TYPE_CHECKING:
    from dashboard.data import Data
    from dashboard.security import Door


@click.command(short_help="Explore runs in the browser, and hear them.")
@click.argument("runs", nargs=-1, type=click.Path(path_type=Path), metavar="RUN...")
@click.option(
    "--port", type=click.IntRange(1, 65535), default=8050, show_default=True, help="Port of the page."
)
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Address to listen on; others need a password."
)
@click.option("--password-file", type=click.Path(path_type=Path), help="Ask for the password in FILE.")
@click.option("--no-password", is_flag=True, help="Let everybody on the network in.")
@click.option(
    "--make-password", type=click.Path(path_type=Path), metavar="FILE", help="Write a password file."
)
@click.option(
    "--audio-root", type=click.Path(path_type=Path), help="Folder of the recordings, if they were moved."
)
@click.option("--no-browser", is_flag=True, help="Do not open a browser.")
@click.option(
    "--lang",
    type=click.Choice(["en", "de", "zh"]),
    default="en",
    show_default=True,
    help="Language of the page.",
)
def dashboard(
    runs: tuple[Path, ...],
    port: int,
    host: str,
    password_file: Path | None,
    no_password: bool,
    make_password: Path | None,
    audio_root: Path | None,
    no_browser: bool,
    lang: str,
) -> None:
    """Explore finished RUN folders in the browser: scores, shared features, and the recordings behind them.

    Only this machine can open the page, unless you say otherwise. Ctrl-C ends it.
    """
    if make_password is not None:
        _make_password(make_password)
        return
    if not runs:
        raise UsageError("Name one or more run folders: `msfl dashboard RUN`. `msfl demo` makes one to try.")
    door = _door(host, password_file, no_password)
    if audio_root is not None and not audio_root.is_dir():
        raise UsageError(
            f"There is no folder '{audio_root}'; give --audio-root the folder that holds the recordings."
        )
    _serve(_open(runs, lang, audio_root), door, host, port, not no_browser)


def _serve(data: Data, door: Door, host: str, port: int, browser: bool) -> None:
    from dashboard.app import Settings, create_app, warm_up
    from dashboard.pages import close_pages
    from dashboard.serving import serve

    app = create_app(data, Settings(door=door))
    warm_up(app, data)
    try:
        serve(
            app.server,
            host,
            port,
            browser=browser,
            say=_say,
            query="" if data.lang == "en" else f"?lang={data.lang}",
        )
    finally:
        close_pages(data)
    click.echo("Stopped.")


def _say(address: str) -> None:
    click.echo(f"The dashboard is at {address}  (Ctrl-C ends it)")


def _open(runs: tuple[Path, ...], lang: str, audio_root: Path | None) -> Data:
    """Open the runs; one that cannot be opened is a sentence, and the others go on."""
    from dashboard.data import Data, keyed
    from msfl.runs import open_run

    opened, refused = [], {}
    for path in runs:
        try:
            run = open_run(path)
            _ = run.utterances, run.jobs, run.experiment, run.feature_names
            opened.append(run)
        except DataError as error:
            refused[str(path)] = str(error)
            click.echo(f"Left out: {error}", err=True)
    if not opened:
        raise DataError(
            "None of these run folders can be opened." if len(runs) > 1 else next(iter(refused.values()))
        )
    return Data(runs=keyed(opened), refused=refused, lang=lang, audio_root=audio_root)


def _door(host: str, password_file: Path | None, no_password: bool) -> Door:
    from dashboard.security import Door, Password, is_local

    if password_file is not None and no_password:
        raise UsageError("Give --password-file or --no-password, not both.")
    if password_file is not None:
        return Door(host, Password(password_file))
    if not is_local(host) and not no_password:
        raise UsageError(
            f"With --host {host} others can open the page. Make a password with `msfl dashboard --make-password FILE` "
            "and give it with --password-file FILE, or say --no-password."
        )
    return Door(host)


def _make_password(file: Path) -> None:
    from dashboard.security import SHORTEST, make_password
    from msfl.atomic import replacing

    password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    if len(password) < SHORTEST:
        raise UsageError(f"The password has fewer than {SHORTEST} characters; choose a longer one.")
    with replacing(file) as work:
        work.touch(mode=0o600)
        work.write_text(make_password(password), encoding="utf-8")
    click.echo(f"Wrote {file}. Use it with --password-file {file}.")

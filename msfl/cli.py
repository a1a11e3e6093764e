"""The ``msfl`` command. Sub-commands load lazily, so that ``msfl --help`` stays instant.

A module that holds a command imports nothing heavy at its top (no pandas, no TensorFlow, no scikit-learn): what the
command needs is imported inside its function.
"""

from __future__ import annotations

import errno
import os
import sys
from importlib import import_module

import click

from msfl.errors import MsflError
from msfl.quiet import hush_libraries

COMMANDS = {
    "corpora": "msfl.commands.corpora:corpora",
    "scan": "msfl.commands.scan:scan",
    "feature": "msfl.commands.feature:feature",
    "extract": "msfl.commands.extract:extract",
    "models": "msfl.commands.models:models",
    "init": "msfl.commands.init:init",
    "show": "msfl.commands.show:show",
    "train": "msfl.commands.train:train",
    "results": "msfl.commands.results:results",
    "predict": "msfl.commands.predict:predict",
}
FIRST = "demo"
"""The command that a newcomer should see first, whoever brings it."""
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)


class LazyGroup(click.Group):
    """A group whose commands are imported when they are asked for; other packages add theirs by entry point."""

    def _plugins(self) -> dict[str, str]:
        from importlib.metadata import entry_points  # takes longer to import than all our own commands

        return {point.name: point.value for point in entry_points(group="msfl.commands")}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order in which a newcomer meets them, plug-ins last."""
        names = [*COMMANDS, *sorted(set(self._plugins()) - set(COMMANDS))]
        return sorted(names, key=lambda name: name != FIRST)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command; None if there is no such command."""
        if cmd_name in COMMANDS:
            return _load(COMMANDS[cmd_name])
        target = self._plugins().get(cmd_name)
        if target is None:
            return None
        try:
            return _load(target)
        except (ImportError, AttributeError) as error:
            return _broken(cmd_name, f"cannot be loaded from {target}: {error}")

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Name the nearest command when the one asked for does not exist."""
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            from msfl.errors import nearest

            hint = nearest(args[0], self.list_commands(ctx))
            raise click.UsageError(f"There is no command '{args[0]}'.{hint} `msfl --help` lists them.", ctx)
        return super().resolve_command(ctx, args)


def _load(target: str) -> click.Command:
    module, attribute = target.split(":")
    command: click.Command = getattr(import_module(module), attribute)
    return command


def _broken(name: str, reason: str) -> click.Command:
    """Return a command that says why it cannot be used: one bad plug-in must not spoil the others."""

    def fail() -> None:
        raise click.UsageError(f"The command '{name}' {reason}. Install its package anew, or remove it.")

    return click.Command(name, callback=fail, short_help=f"({reason})", add_help_option=False)


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from msfl import __version__

        click.echo(f"msfl {__version__}")
        ctx.exit()


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_version, help="Show the version."
)
@click.pass_context
def app(ctx: click.Context) -> None:
    """Find the acoustic features that carry emotion in one language, in several, and across them.

    Start with `msfl demo`: it does the whole job on a synthetic corpus that it speaks itself.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main() -> None:
    """Run the command line; a mistake of the user ends in one sentence, never in a traceback."""
    hush_libraries()
    try:
        code = app.main(prog_name="msfl", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except MsflError as error:
        _fail(str(error), error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped. What was finished is kept; repeat the command to continue.", err=True)
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of a pipe (head, less) has gone; Python would complain at exit
        sys.exit(141)
    except OSError as error:
        sentence = _about_files(error)
        if sentence is None:
            raise
        _fail(sentence, 1)
    sys.exit(code if isinstance(code, int) else 0)


def _fail(sentence: str, code: int) -> None:
    click.echo(f"Error: {sentence}", err=True)
    sys.exit(code)


def _about_files(error: OSError) -> str | None:
    """Say what a user can do about a file or a disk; None where the error is of another kind."""
    where = f"'{error.filename}'" if error.filename else "a file"
    reason = os.strerror(error.errno or 0)  # pyarrow has longer words of its own
    if error.errno in _NO_ROOM:
        return (
            f"{where} cannot be written: {reason}. Make room or choose another folder, then repeat the "
            "command: what was finished is kept."
        )
    if error.errno in _FORBIDDEN:
        return (
            f"{where} cannot be opened: {reason}. Change its permissions or choose another folder, then "
            "repeat the command: what was finished is kept."
        )
    if error.filename and isinstance(error, FileNotFoundError | NotADirectoryError | IsADirectoryError):
        return f"{where} cannot be opened: {reason}. Check the path, then repeat the command."
    return None

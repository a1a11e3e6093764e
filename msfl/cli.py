"""The ``msfl`` command. Sub-commands load lazily, so that ``msfl --help`` stays instant.

A module that holds a command imports nothing heavy at its top (no pandas, no TensorFlow, no scikit-learn): what the
command needs is imported inside its function.
"""

from __future__ import annotations

import errno
import sys
from importlib import import_module
from importlib.metadata import entry_points

import click

from msfl import __version__
from msfl.errors import MsflError

COMMANDS = {
    "demo": "msfl.commands.demo:demo",
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


class LazyGroup(click.Group):
    """A group whose commands are imported when they are asked for; other packages add theirs by entry point."""

    def _plugins(self) -> dict[str, str]:
        return {point.name: point.value for point in entry_points(group="msfl.commands")}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order in which a newcomer meets them, plug-ins last."""
        return [*COMMANDS, *sorted(set(self._plugins()) - set(COMMANDS))]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command; None if there is no such command."""
        target = COMMANDS.get(cmd_name) or self._plugins().get(cmd_name)
        if target is None:
            return None
        module, attribute = target.split(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Name the nearest command when the one asked for does not exist."""
        if args and self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            from msfl.errors import nearest

            hint = nearest(args[0], self.list_commands(ctx))
            raise click.UsageError(f"There is no command '{args[0]}'.{hint} `msfl --help` lists them.", ctx)
        return super().resolve_command(ctx, args)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="msfl")
def app() -> None:
    """Find the acoustic features that carry emotion in one language, in several, and across them.

    Start with `msfl demo`: it does the whole job on a synthetic corpus that it speaks itself.
    """


def main() -> None:
    """Run the command line; a mistake of the user ends in one sentence, never in a traceback."""
    try:
        code = app.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except MsflError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped. What was finished is kept; repeat the command to continue.", err=True)
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of a pipe (head, less) has gone; Python would complain at exit
        sys.exit(141)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES):
            raise
        where = f" '{error.filename}'" if error.filename else ""
        click.echo(
            f"Error: cannot write{where}: {error.strerror}. Make room or choose another folder, then repeat the "
            "command: what was finished is kept.",
            err=True,
        )
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)

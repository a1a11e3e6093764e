"""The command as a whole: instant help, one name, other people's plug-ins and warnings."""

import json
import os
import subprocess
import sys
import warnings
from importlib.metadata import entry_points
from pathlib import Path

import click
import pytest

import msfl as package
from msfl.cli import COMMANDS, LazyGroup, app

HEAVY = (
    "tensorflow",
    "keras",
    "pandas",
    "numpy",
    "scipy",
    "sklearn",
    "opensmile",
    "shap",
    "numba",
    "rich",
    "pydantic",
)
PROBE = f"""
import json, sys
from msfl.cli import main
told = {{}}
for command in json.loads(sys.argv[1]):
    sys.argv = ["msfl", *command, "--help"]
    try:
        main()
    except SystemExit as ended:
        loaded = [name for name in {HEAVY} if name in sys.modules]
        told[" ".join(command)] = [ended.code, loaded]
print("\\n" + json.dumps(told))
"""


def python(*arguments):
    environment = {**os.environ, "PYTHONPATH": str(Path(package.__file__).parents[1]), "COLUMNS": "80"}
    return subprocess.run(
        [sys.executable, *arguments], env=environment, capture_output=True, text=True, check=False, timeout=60
    )


def commands():
    return app.list_commands(click.Context(app))


def test_help_of_every_command_works_and_imports_nothing_heavy():
    asked = [[], *([name] for name in commands())]
    ended = python("-c", PROBE, json.dumps(asked))
    told = json.loads(ended.stdout.splitlines()[-1])
    assert told == {" ".join(command): [0, []] for command in asked}


def test_python_m_msfl_is_the_same_command():
    ended = python("-m", "msfl", "--help")
    assert ended.stdout.startswith("Usage: msfl [OPTIONS]")
    assert max(map(len, ended.stdout.splitlines())) <= 80
    for name in commands():
        assert f"\n  {name} " in ended.stdout


def test_every_command_that_the_packages_announce_is_there():
    assert set(commands()) == {*COMMANDS, *(point.name for point in entry_points(group="msfl.commands"))}
    assert {"rank", "demo"} <= set(commands())
    assert commands()[0] == "demo"
    assert all(app.get_command(click.Context(app), name) for name in commands())


def test_short_help_is_not_cut_off(shell, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert "..." not in shell("--help").out.partition("Commands:")[2]


def test_without_a_command_the_help_is_printed(shell):
    ended = shell()
    assert (ended.code, ended.out) == (0, shell("--help").out)


def test_the_version_is_that_of_the_package(shell):
    assert shell("--version").out == f"msfl {package.__version__}\n"
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = package.no_such_name


@pytest.mark.parametrize(("wrong", "right"), [("trian", "train"), ("result", "results"), ("rnak", "rank")])
def test_an_unknown_command_brings_the_nearest(shell, wrong, right):
    ended = shell(wrong, "--help")
    assert ended.code == 2
    assert f"There is no command '{wrong}'. Did you mean '{right}'?" in ended.error


def test_a_broken_plug_in_says_so_and_spoils_nothing_else(shell, monkeypatch):
    plugins = {"bad": "no_such_package.module:command", "worse": "msfl.errors:no_such_attribute"}
    monkeypatch.setattr(LazyGroup, "_plugins", lambda self: plugins)
    assert "cannot be loaded" in shell("--help").out
    for name, target in plugins.items():
        ended = shell(name)
        assert ended.code == 2
        assert f"The command '{name}' cannot be loaded from {target}" in ended.error
    assert shell("feature", "F0final_sma_linregc1").code == 0


@pytest.fixture
def says(monkeypatch):
    """Let the command `models` do something else."""

    def replace(callback):
        command = click.Command("models", callback=callback)
        monkeypatch.setattr("msfl.cli._load", lambda target: command)

    return replace


def test_our_warnings_are_sentences_and_those_of_libraries_are_not_shown(shell, says):
    from msfl.corpora.base import CorpusWarning

    def warn():
        warnings.warn("Two recordings were left out.", CorpusWarning, stacklevel=1)
        warnings.warn("the API of some library will change", FutureWarning, stacklevel=1)

    says(warn)
    assert shell("models").err == "Warning: Two recordings were left out.\n"


def test_warnings_that_were_asked_for_are_shown():
    code = "import warnings; from msfl.quiet import hush_libraries; hush_libraries(); warnings.warn('look')"
    assert "look" in python("-W", "always", "-c", code).stderr
    assert python("-c", code).stderr == ""


def test_ctrl_c_says_that_nothing_is_lost(shell, says):
    def stop():
        raise KeyboardInterrupt

    says(stop)
    ended = shell("models")
    assert ended.code == 130
    assert ended.err.strip() == "Stopped. What was finished is kept; repeat the command to continue."


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            FileNotFoundError(2, "No such file", "x/y.csv"),
            "'x/y.csv' cannot be opened: No such file or directory",
        ),
        (NotADirectoryError(20, "", "x/y"), "'x/y' cannot be opened: Not a directory"),
        (IsADirectoryError(21, "", "x"), "'x' cannot be opened: Is a directory"),
        (PermissionError(13, "", "x"), "'x' cannot be opened: Permission denied. Change its permissions"),
        (OSError(30, "", "x"), "'x' cannot be opened: Read-only file system"),
        (OSError(28, "Error writing bytes"), "a file cannot be written: No space left on device. Make room"),
    ],
)
def test_errors_of_the_file_system_are_sentences(shell, says, error, sentence):
    def fail():
        raise error

    says(fail)
    ended = shell("models")
    assert ended.code == 1
    assert sentence in ended.error


def test_a_fault_of_the_program_is_not_hidden(says, monkeypatch):
    from msfl.cli import main

    def fail():
        raise OSError("something that no user can mend")

    says(fail)
    monkeypatch.setattr(sys, "argv", ["msfl", "models"])
    with pytest.raises(OSError, match="no user can mend"):
        main()

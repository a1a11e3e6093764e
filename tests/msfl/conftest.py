"""Fixtures for all tests of the package."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import pytest


@dataclass(frozen=True)
class Ended:
    """How a command ended, as a shell sees it."""

    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """What stands behind ``Error: ``; the command said so once, and at the end."""
        before, sign, sentence = self.err.partition("Error: ")
        assert sign, self.err
        assert "Error: " not in sentence
        assert "Traceback" not in before
        return sentence.rstrip("\n")


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """Run the whole `msfl` command in this process, with the exit code and output that a shell would see."""
    from msfl.cli import main

    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)  # main replaces it

    def run(*arguments: object) -> Ended:
        monkeypatch.setattr(sys, "argv", ["msfl", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        output = capsys.readouterr()
        code = ended.value.code
        return Ended(code if isinstance(code, int) else 0, output.out, output.err)

    return run

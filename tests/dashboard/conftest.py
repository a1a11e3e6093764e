"""A tiny run over recordings that are made here, its dashboard, and a browser where there is one."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dashboard.app import Settings, create_app
from dashboard.data import Data, keyed
from dashboard.pages import close_pages
from dashboard.security import Door
from msfl.runs import Run, open_run

TOML = """
name = "tiny"
[corpora]
tiny = { reader = "manifest", path = "tiny.csv" }
[data]
features = "eGeMAPSv02"
[protocol]
name = "speaker-kfold:2"
[training]
models = ["logistic-regression", "majority"]
seeds = [0]
"""


def write_sound(file: Path, pitch: float, *, seconds: float = 0.5, seed: int = 0) -> None:
    """Write a harmonic tone with a little noise: enough for openSMILE to find a pitch in it."""
    import soundfile

    time = np.arange(int(16_000 * seconds)) / 16_000
    tone = sum(np.sin(2 * np.pi * pitch * n * time) / n for n in range(1, 6))
    noise = np.random.default_rng(seed).normal(size=len(time))
    soundfile.write(file, (0.1 * tone + 0.002 * noise).astype(np.float32), 16_000, subtype="PCM_16")


def make_run(folder: Path) -> Path:
    """Train a tiny run: two languages, two speakers each, three emotions, two takes."""
    from msfl.execution import train
    from msfl.experiment import load_experiment

    rows: list[dict[str, str]] = []
    for language in ("de", "it"):
        for speaker in range(2):
            for code, emotion in enumerate(("anger", "neutral", "sadness")):
                for take in range(2):
                    stem = f"{language}{speaker}{emotion[0]}{take}"
                    pitch = 110 + 60 * code + 15 * speaker
                    write_sound(folder / f"{stem}.wav", pitch, seed=len(rows))
                    rows.append(
                        {
                            "file": f"{stem}.wav",
                            "utterance": stem,
                            "language": language,
                            "speaker": f"{language}{speaker}",
                            "gender": "female" if speaker else "male",
                            "emotion": emotion,
                        }
                    )
    pd.DataFrame(rows).to_csv(folder / "tiny.csv", index=False)
    (folder / "tiny.toml").write_text(TOML, encoding="utf-8")
    train(load_experiment(folder / "tiny.toml"), folder / "run", jobs=1, progress=False)
    return folder / "run"


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the tiny run; tests that change it copy it."""
    return make_run(tmp_path_factory.mktemp("dashboard"))


@pytest.fixture(scope="session")
def tiny(run_folder: Path) -> Run:
    """The tiny run."""
    return open_run(run_folder)


@pytest.fixture
def data(tiny: Run) -> Data:
    """The tiny run as pages see it."""
    return Data(keyed([tiny]))


@pytest.fixture(scope="session")
def tiny_data(tiny: Run) -> Data:
    """The same for all tests, for those that only read (hypothesis)."""
    return Data(keyed([tiny]))


@pytest.fixture
def make_client(data: Data) -> Iterator[Callable[..., Any]]:
    """Make a Flask test client of an app: ``make_client(door=..., data=...)``."""
    made: list[Data] = []

    def make(door: Door | None = None, data: Data = data) -> Any:
        made.append(data)
        return create_app(data, Settings(door=door or Door())).server.test_client()

    yield make
    for one in made:
        close_pages(one)


@pytest.fixture
def client(make_client: Callable[..., Any]) -> Any:
    """A test client on this machine."""
    return make_client()


@dataclass
class Served:
    """An app that is served.

    Attributes:
        url: Its address, without a slash at the end.
        data: What it shows.
    """

    url: str
    data: Data


@pytest.fixture(scope="session")
def served(tiny: Run) -> Iterator[Served]:
    """The tiny run, served on a free port for the browser."""
    from waitress import create_server

    data = Data(keyed([tiny]))
    server = create_server(create_app(data).server, host="127.0.0.1", port=0, threads=8, ident=None)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield Served(f"http://127.0.0.1:{server.effective_port}", data)
    server.close()
    close_pages(data)
    thread.join(5)


@dataclass
class Visit:
    """A page of the browser, and what it complained about.

    Attributes:
        page: The page of playwright.
        complaints: Console errors, blocked scripts, failed requests.
    """

    page: Any
    complaints: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A headless Chromium; skipped, with the reason, where there is none."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    found = next((path for name in names if (path := shutil.which(name))), None)
    with sync_api.sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        except sync_api.Error as error:
            pytest.skip(f"no Chromium can be started: {str(error).splitlines()[0]}")
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: Any) -> Iterator[Visit]:
    """A fresh page, 1280 pixels wide."""
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(60_000)
    found = Visit(page)
    page.on("console", lambda said: found.complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: found.complaints.append(str(error)))
    yield found
    page.close()

"""Fixtures that many tests share."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from msfl.features.sets import load_opensmile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before anything imports TensorFlow
# A shell without job control starts what runs in its background with Ctrl-C ignored, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
load_opensmile()  # before test modules that compare with plain openSMILE, or import TensorFlow

READERS = {
    "emodb": "emodb",
    "ravdess": "ravdess",
    "emovo": "emovo",
    "urdu": "urdu",
    "emotiontts": "emotiontts-ko",
}


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep tests out of the cache of the person who runs them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MSFL_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def corpora() -> Path:
    """Folder of the real corpora; the test is skipped, with the reason, where they are absent."""
    folder = os.environ.get("MSFL_CORPORA")
    if not folder:
        pytest.skip("the real corpora are not here: set MSFL_CORPORA to their folder")
    path = Path(folder).resolve()
    if not path.is_dir():
        pytest.skip(f"MSFL_CORPORA={folder} is not a folder")
    return path


@pytest.fixture(scope="session")
def real_specs(corpora: Path) -> dict[str, str]:
    """Reader name -> folder, for the five real corpora."""
    return {reader: str(corpora / folder) for reader, folder in READERS.items()}

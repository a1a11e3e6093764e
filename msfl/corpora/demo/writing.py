"""The demo corpus on disk: speaks what is missing, and writes beside it what was planted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from msfl.corpora.demo.planting import FILE, README, planted
from msfl.errors import DataError

if TYPE_CHECKING:
    from msfl.corpora.demo.speech import Utterance


def make(folder: str | Path, *, seed: int = 0, progress: bool = True) -> Path:
    """Speak the demo corpus into a folder; what is there already is kept.

    600 utterances, 26 minutes of sound, 50 MB. The same seed gives the same bytes (with the same versions of
    espeak-ng, NumPy and SciPy). Files are written whole or not at all: an interrupted call is continued by
    the next.

    Args:
        folder: A new or empty folder, or one that this function made. A corpus of another seed or another
            version of the rules is replaced.
        seed: Everything random is derived from it.
        progress: Show a progress bar on stderr.

    Returns:
        The folder, as a corpus for the reader `demo`.

    Raises:
        UsageError: The extra `demo` is not installed.
        DataError: The folder holds something else.
    """
    from msfl.atomic import write_json
    from msfl.corpora.demo.speech import utterances

    root = Path(folder).expanduser()
    facts = planted(seed)
    _claim(root, str(facts["fingerprint"]))
    write_json(root / FILE, facts)
    (root / "README.txt").write_text(README.format(seed=seed), encoding="utf-8")
    missing = [utterance for utterance in utterances() if not (root / utterance.path).exists()]
    if missing:
        _speak(root, missing, seed=seed, progress=progress)
    return root


def _claim(root: Path, fingerprint: str) -> None:
    """Make the folder ours: empty it of a demo corpus of another making, refuse everything else."""
    from msfl.corpora.demo.speech import utterances

    root.mkdir(parents=True, exist_ok=True)
    marker = root / FILE
    if not marker.exists():
        if any(root.iterdir()):
            raise DataError(f"'{root}' is not empty and holds no demo corpus: choose a new folder for it.")
        return
    try:
        facts = json.loads(marker.read_text(encoding="utf-8"))
    except ValueError:
        facts = None
    if not isinstance(facts, dict) or facts.get("corpus") != "demo":
        raise DataError(f"'{marker}' is not that of a demo corpus: choose a new folder for it.")
    if facts.get("fingerprint") != fingerprint:
        for utterance in utterances():
            (root / utterance.path).unlink(missing_ok=True)


def _speak(root: Path, missing: list[Utterance], *, seed: int, progress: bool) -> None:
    import soundfile
    from rich.console import Console
    from rich.progress import track

    from msfl.atomic import replacing
    from msfl.corpora.demo.effects import SAMPLING_RATE
    from msfl.corpora.demo.speech import synthesise

    console = Console(stderr=True)
    steps = track(missing, "Speaking the synthetic demo corpus", console=console, disable=not progress)
    for utterance in steps:
        signal = synthesise(utterance, seed=seed)
        file = root / utterance.path
        file.parent.mkdir(parents=True, exist_ok=True)
        with replacing(file) as work:
            soundfile.write(work, signal, SAMPLING_RATE, subtype="PCM_16", format="WAV")

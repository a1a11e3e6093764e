"""Where openSMILE keeps the contours that the functionals of a set summarise.

Its documented output of low-level descriptors is another one: it joins levels with frames of 25 and 60 ms and is as
long as the shortest, and it holds the frames after the end of the input, which the functionals never see. Read from
the levels named here, the functionals come out as openSMILE wrote them, to seven digits (tested).
In GeMAPS the last voiced frame may differ where a voice runs to the very end of a recording.
"""

from __future__ import annotations

from dataclasses import dataclass

from msfl.features.grammar import FeatureName
from msfl.features.lexicon import OTHER


@dataclass(frozen=True)
class Level:
    """A data memory level of an openSMILE configuration.

    Attributes:
        name: Its name in the configuration.
        unseen: Frames at its end that come after the end of the input; the functionals do not see them.
        nonzero: Whether the functionals count only frames with a value other than zero (voiced frames, mostly).
    """

    name: str
    unseen: int
    nonzero: bool = False


_PAIR = (Level("lld", 3), Level("lld_de", 5))


def _three(prefix: str = "") -> tuple[Level, ...]:
    plain = [(f"{prefix}lld{part}_smo", False) for part in "AB"]
    return tuple(
        Level(name + suffix, unseen, nonzero)
        for suffix, unseen in (("", 3), ("_de", 5))
        for name, nonzero in [*plain, (f"{prefix}lld_nzsmo", True)]
    )


def _gemaps(version: str, base: str) -> tuple[Level, ...]:
    extended = (Level(f"{version}_lldSetNoF0AndLoudnessZ_smo", 1),) if version.startswith("e") else ()
    return (
        Level(f"{base}_loudness_smo", 1),
        Level(f"{base}_lld_single_logF0_smo", 3, nonzero=True),
        Level(f"{version}_lldSetNoF0AndLoudnessNz_smo", 2, nonzero=True),
        Level(f"{version}_lldSetSpectralNz_smo", 2, nonzero=True),
        Level(f"{version}_lldSetSpectralZ_smo", 2, nonzero=True),
        *extended,
    )


LEVELS: dict[str, tuple[Level, ...]] = {
    "IS09": _PAIR,
    "IS10": (
        Level("lld1", 3),
        Level("lld2", 3, nonzero=True),
        Level("lld1_de", 5),
        Level("lld2_de", 5, nonzero=True),
    ),
    "IS11": _three(),
    "IS12": _three(),
    "IS13": _three("is13_"),
    "ComParE_2016": _three("is13_"),
    "emobase": _PAIR,
    "GeMAPSv01a": _gemaps("gemapsv01a", "gemapsv01a"),
    "GeMAPSv01b": _gemaps("gemapsv01b", "gemapsv01b"),
    "eGeMAPSv01a": _gemaps("egemapsv01a", "gemapsv01a"),
    "eGeMAPSv01b": _gemaps("egemapsv01b", "gemapsv01b"),
    "eGeMAPSv02": _gemaps("egemapsv02", "gemapsv01b"),
}
"""Levels by the name of the openSMILE set. None is guessed: an unknown one ends the process."""

PITCH = {"IS09": "F0_sma", "emobase": "F0_sma"}
LOUDNESS = {
    "IS09": "pcm_RMSenergy_sma",
    "IS10": "pcm_loudness_sma",
    "emobase": "pcm_loudness_sma",
}


def contour_of(feature: FeatureName, configuration: str) -> str | None:
    """Return the openSMILE name of the contour that a feature summarises, such as ``F0final_sma``.

    Features without a contour of their own show the one that they are counted on: voicing the pitch contour, the
    peaks and the sound level that of loudness.

    Args:
        feature: The feature.
        configuration: Key of `LEVELS`.

    Returns:
        The name, or None for a column that is no openSMILE feature, or of another set.
    """
    if feature.family == OTHER or configuration not in LEVELS:
        return None
    if feature.contour == "voicing pattern":
        gemaps = "GeMAPS" in configuration
        return PITCH.get(configuration, "F0semitoneFrom27.5Hz_sma3nz" if gemaps else "F0final_sma")
    if feature.contour in ("loudness peaks", "equivalentSoundLevel"):
        return LOUDNESS.get(configuration, "loudness_sma3")
    return feature.name.removesuffix(f"_{feature.functional}")

"""The unit of a feature: what the functional does to the unit of its contour (openSMILE 2.6.0, measured).

A few things depend on the feature set and not on the name alone. Positions (maxPos, minPos) are absolute
frame indices in IS09, IS10 and emobase, so that they carry the duration of the utterance, and shares of the
utterance in the later sets. ComParE_2016 scales a contour to the range 0 to 1 before it fits lines and
parabolas, and gives their slopes per second, except for the contours that exist in voiced frames only.
"""

from __future__ import annotations

import re

from msfl.features.lexicon import Contour, Functional

FRAMES = "frames (10 ms)"
SHARE = "share of the utterance"

_POSITION_IN_FRAMES = ("IS09", "IS10", "emobase")
_EARLY = re.compile(r"pcm_loudness|pcm_intensity|F0|F0env|F0finEnv|voiceProb|logMelFreqBand.*|lspFreq.*")
_LATE = re.compile(r"aud[sS]pec.*|pcm_fftMag_(?!mfcc).*|logHNR")
_VOICED_ONLY = re.compile(r"F0final|voicingFinalUnclipped|jitter.*|shimmer.*|logHNR")
_SCALED = re.compile(r"(lin|q)reg.*")
_RANGE = "range of the contour"


def unit(
    contour: Contour, lld: str, delta: int, functional: Functional, name: str, feature_set: str | None
) -> str | None:
    """Return the unit of a feature, or None where it has none.

    Args:
        contour: Entry of the contour.
        lld: Its name, with the index.
        delta: How many times the contour was differentiated.
        functional: Entry of the functional.
        name: Name of the functional.
        feature_set: The openSMILE set, where it is known.
    """
    if functional.unit == "position":
        return _position(lld, feature_set)
    level, step = contour.unit, contour.step or contour.unit
    if feature_set == "ComParE_2016" and _SCALED.fullmatch(name):
        return _apply(functional.unit, _RANGE, _RANGE, 0, "frame" if _VOICED_ONLY.fullmatch(lld) else "s")
    return _apply(functional.unit, step if delta else level, step, delta, "frame")


def _apply(rule: str | None, level: str | None, step: str | None, delta: int, per: str) -> str | None:
    """Apply one of the rules of `Functional.unit` to the unit of a contour differentiated `delta` times."""
    change = _per(step, "frame", delta)
    rules = {
        "level": _per(level, "frame", delta),
        "step": change,
        "square": f"({change})²" if change else None,
        "/frame": _per(step, per, delta + 1),
        "/frame2": _per(step, per, delta + 2),
        "/s": f"{change or ''} per s".strip(),
    }
    return rules.get(rule, rule) if rule else None


def _per(unit: str | None, time: str, power: int) -> str | None:
    """Return ``Hz``, ``Hz per frame``, ``Hz per frame²``, ... for the power 0, 1, 2, ..."""
    if power == 0:
        return unit
    return f"{unit or ''} per {time}{'²' if power == 2 else '³' if power == 3 else ''}".strip()


def _position(lld: str, feature_set: str | None) -> str:
    if feature_set is not None:
        return FRAMES if feature_set in _POSITION_IN_FRAMES else SHARE
    if _EARLY.fullmatch(lld):
        return FRAMES
    if _LATE.fullmatch(lld):
        return SHARE
    return f"{FRAMES}; {SHARE} in IS12, IS13 and ComParE_2016"

"""The openSMILE feature sets that can be asked for by name, at the level of functionals."""

from __future__ import annotations

import ctypes
import os
import warnings
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from types import MappingProxyType, ModuleType
from typing import Any

from msfl.errors import UsageError, nearest


@dataclass(frozen=True)
class FeatureSet:
    """One openSMILE set.

    Attributes:
        opensmile: Name of the configuration in `opensmile.FeatureSet`; two names may share one.
        size: Number of features (functionals) per utterance.
        source: Where the set was published.
    """

    opensmile: str
    size: int
    source: str


_GEMAPS = "Eyben et al. 2016, IEEE TAFFC 7(2)"

FEATURE_SETS: Mapping[str, FeatureSet] = MappingProxyType(
    {
        "IS09": FeatureSet("IS09", 384, "INTERSPEECH 2009 Emotion Challenge"),
        "IS10": FeatureSet("IS10", 1582, "INTERSPEECH 2010 Paralinguistic Challenge"),
        "IS11": FeatureSet("IS11", 4368, "INTERSPEECH 2011 Speaker State Challenge"),
        "IS12": FeatureSet("IS12", 6125, "INTERSPEECH 2012 Speaker Trait Challenge"),
        "IS13": FeatureSet("IS13", 6373, "INTERSPEECH 2013 Computational Paralinguistics Challenge"),
        "ComParE_2016": FeatureSet("ComParE_2016", 6373, "INTERSPEECH 2016 ComParE"),
        "GeMAPS": FeatureSet("GeMAPSv01a", 62, _GEMAPS),
        "GeMAPSv01a": FeatureSet("GeMAPSv01a", 62, _GEMAPS),
        "GeMAPSv01b": FeatureSet("GeMAPSv01b", 62, _GEMAPS),
        "eGeMAPS": FeatureSet("eGeMAPSv01a", 88, _GEMAPS),
        "eGeMAPSv01a": FeatureSet("eGeMAPSv01a", 88, _GEMAPS),
        "eGeMAPSv01b": FeatureSet("eGeMAPSv01b", 88, _GEMAPS),
        "eGeMAPSv02": FeatureSet("eGeMAPSv02", 88, _GEMAPS),
        "emobase": FeatureSet("emobase", 988, "openSMILE's own emotion set, Eyben et al. 2010"),
    }
)
"""Name -> openSMILE set. `GeMAPS` and `eGeMAPS` are the package's names for their first versions."""

DEFAULT = "IS10"
"""The set that Ma & Wang (2022) cite."""

_construction = Lock()


def feature_set(name: str) -> FeatureSet:
    """Return the set of this name.

    Raises:
        UsageError: There is none; the message names the nearest.
    """
    try:
        return FEATURE_SETS[name]
    except KeyError:
        folded = {known.lower(): known for known in FEATURE_SETS}
        same = folded.get(name.lower())
        hint = f" Did you mean '{same}'?" if same else nearest(name, list(FEATURE_SETS))
        raise UsageError(
            f"There is no feature set '{name}'.{hint} The sets are {', '.join(FEATURE_SETS)}."
        ) from None


@lru_cache(maxsize=len(FEATURE_SETS))
def feature_names(name: str = DEFAULT) -> tuple[str, ...]:
    """Return the names of the features of a set, in openSMILE's order, without touching any sound.

    Example:
        >>> feature_names("IS10")[0]
        'pcm_loudness_sma_maxPos'

    Raises:
        UsageError: There is no such set.
    """
    return tuple(smile(name).feature_names)


@lru_cache(maxsize=1)
def load_opensmile() -> ModuleType:
    """Import openSMILE so that TensorFlow cannot break it.

    Both export the Fourier transform ``rdft`` (Ooura), openSMILE for floats and TensorFlow for doubles, and whatever is
    loaded after TensorFlow gets TensorFlow's: openSMILE then writes beyond its buffers. Loaded here with
    ``RTLD_DEEPBIND``, its library finds its own functions first, and the import finds it loaded.
    """
    mode = getattr(os, "RTLD_DEEPBIND", None)  # glibc; macOS and Windows keep such names apart anyway
    found = find_spec("opensmile")
    if mode is not None and found is not None and found.origin is not None:
        for library in Path(found.origin).parent.glob("core/bin/*/libSMILEapi.so"):
            with suppress(OSError):  # that of another architecture
                ctypes.CDLL(str(library), mode=mode | os.RTLD_NOW | os.RTLD_LOCAL)
    return import_module("opensmile")


def smile(name: str, level: str = "Functionals") -> Any:
    """Return a new `opensmile.Smile` for a set; one object belongs to one thread.

    Args:
        name: Name of the set.
        level: A name of `opensmile.FeatureLevel`: ``Functionals`` or ``LowLevelDescriptors``.

    Raises:
        UsageError: There is no such set.
    """
    configuration = feature_set(name).opensmile
    opensmile = load_opensmile()
    # The package advises newer versions of GeMAPS at every construction; whoever names one wants that one.
    # The lock is there because catch_warnings swaps state of the whole process.
    with _construction, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return opensmile.Smile(
            feature_set=opensmile.FeatureSet[configuration],
            feature_level=opensmile.FeatureLevel[level],
        )


@lru_cache(maxsize=1)
def opensmile_version() -> str:
    """Return the version of the openSMILE package, which is part of the key of every cached vector."""
    return version("opensmile")

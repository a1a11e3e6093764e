"""The grammar of openSMILE feature names: contour + smoothing + delta + functional, in words for linguists.

Example:
    >>> feature = parse("F0final_sma_linregc1")
    >>> feature.description
    'slope of a straight line fitted through the pitch contour'
    >>> feature.question
    'does the voice rise or fall over the utterance?'
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache

from msfl.errors import UsageError, nearest
from msfl.features import units
from msfl.features.lexicon import OTHER, Contour, Functional, Whole, contours, functionals, wholes

LEVELS = ("feature", "contour", "functional", "family")
"""The levels at which features can be grouped, see `FeatureName.group_key`."""

_NAME = re.compile(r"(?P<lld>.+?)_sma3?(?:nz)?(?P<delta>(?:_de)*)(?P<index>\[\d+\])?_(?P<functional>.+)")


@dataclass(frozen=True)
class FeatureName:
    """What the name of a feature says.

    Attributes:
        name: The name itself.
        contour: Low-level descriptor, without the suffix of the smoothing (moving average over three frames).
        delta: 0 for the contour itself, 1 for its frame-to-frame change (delta regression over five frames).
        functional: The statistic over the contour.
        family: One of `msfl.features.lexicon.FAMILIES`, or ``other`` for columns of another origin.
        unit: Unit, None where there is none.
        contour_words: The contour in words.
        functional_words: The statistic in words.
        description: One line in plain words; no two features of an openSMILE set share one.
        question: Second line: what one would ask about the speech.
        source: openSMILE components and paper.
        note: What else to know: how it is measured, and traps.
    """

    name: str
    contour: str
    delta: int
    functional: str
    family: str
    unit: str | None
    contour_words: str
    functional_words: str
    description: str
    question: str
    source: str
    note: str = ""

    def group_key(self, level: str) -> str:
        """Return the group of this feature at a level: its name, contour, functional or family.

        A contour and its delta form one group; the groups of contours are nested in the families.

        Raises:
            UsageError: There is no such level.
        """
        if level not in LEVELS:
            raise UsageError(
                f"There is no level '{level}'.{nearest(level, LEVELS)} The levels are {', '.join(LEVELS)}."
            )
        return self.name if level == "feature" else str(getattr(self, level))


def parse(name: str, feature_set: str | None = None) -> FeatureName:
    """Parse the name of a feature of any openSMILE set.

    Args:
        name: Such as ``F0final_sma_linregc1``.
        feature_set: The set it stands in; it sharpens the unit of a few statistics that differ between sets.

    Raises:
        UsageError: The name does not follow the grammar; the message names the nearest feature.
    """
    parsed = _parse(name, feature_set)
    if parsed is None:
        raise UsageError(
            f"'{name}' is no feature of an openSMILE set.{nearest(name, _alike(name))} "
            "`msfl feature --set IS10` lists all names of a set."
        )
    return parsed


def parse_or_unknown(name: str, feature_set: str | None = None) -> FeatureName:
    """Parse a name; a column that is no openSMILE feature comes back as itself, in the family ``other``.

    For tables of features that were made elsewhere, so that they can be ranked like the rest.
    """
    return _parse(name, feature_set) or FeatureName(
        name=name,
        contour=name,
        delta=0,
        functional="value",
        family=OTHER,
        unit=None,
        contour_words=name,
        functional_words="value",
        description=name,
        question="",
        source="a column of the table",
    )


@lru_cache(maxsize=32768)
def _parse(name: str, feature_set: str | None) -> FeatureName | None:
    match = _NAME.fullmatch(name)
    lld = match["lld"] + (match["index"] or "") if match else ""
    contour, functional = _contour(lld), _functional(match["functional"]) if match else None
    if match is None or contour is None or functional is None:
        whole = next((whole for whole in wholes() if re.fullmatch(whole.pattern, name)), None)
        return _from_whole(name, whole) if whole else None
    delta = match["delta"].count("_de")
    fill = _fill(contour, lld)
    words, thing = contour.words.format(**fill), contour.thing.format(**fill)
    question = functional.questions.get(contour.family) if not delta else None
    for _ in range(delta):
        words, thing = f"the frame-to-frame change of {words}", f"the change of {thing}"
    numbers = _numbers(functional, match["functional"])
    return FeatureName(
        name=name,
        contour=lld,
        delta=delta,
        functional=match["functional"],
        family=contour.family,
        unit=units.unit(contour, lld, delta, functional, match["functional"], feature_set),
        contour_words=words,
        functional_words=functional.words.format(c="the contour", **numbers),
        description=functional.words.format(c=words, **numbers),
        question=question or functional.question.format(thing=thing, **numbers),
        source=f"{contour.source}; {functional.source}",
        note=" ".join(part for part in (contour.about, functional.about) if part),
    )


def _from_whole(name: str, whole: Whole) -> FeatureName:
    return FeatureName(
        name=name,
        contour=whole.contour,
        delta=0,
        functional=whole.functional,
        family=whole.family,
        unit=whole.unit,
        contour_words=whole.contour_words,
        functional_words=whole.functional_words,
        description=whole.description,
        question=whole.question,
        source=whole.source,
        note=whole.about,
    )


@lru_cache(maxsize=1024)
def _contour(lld: str) -> Contour | None:
    return next((entry for entry in contours() if re.fullmatch(entry.pattern, lld)), None)


@lru_cache(maxsize=1024)
def _functional(name: str) -> Functional | None:
    return next((entry for entry in functionals() if re.fullmatch(entry.pattern, name)), None)


def _fill(contour: Contour, lld: str) -> dict[str, str]:
    """Return what the templates of a contour need: the groups of its pattern, its number, its band."""
    match = re.fullmatch(contour.pattern, lld)
    fill = dict(match.groupdict()) if match else {}
    if "n" in fill:
        fill["number"] = str(int(fill["n"]) + 1)
    if contour.bands:
        count, low, high = contour.bands
        fill["count"] = str(count)
        fill["hz"] = str(_band_centre(int(fill["n"]), count, low, high))
    return fill


def _numbers(functional: Functional, name: str) -> dict[str, str]:
    """Return the numbers in a functional's name, and how far back a prediction coefficient looks."""
    match = re.fullmatch(functional.pattern, name)
    numbers = dict(match.groupdict()) if match else {}
    if "i" in numbers:
        back = int(numbers["i"]) + 1
        numbers["ago"] = "one frame" if back == 1 else f"{back} frames"
    return numbers


def _band_centre(band: int, count: int, low: float, high: float) -> int:
    """Return the centre in Hz of one of `count` bands, evenly spaced on the mel scale 1127 ln(1 + f/700)."""
    mel_low, mel_high = (1127 * math.log1p(f / 700) for f in (low, high))
    mel = mel_low + (band + 1) * (mel_high - mel_low) / (count + 1)
    hz = 700 * math.expm1(mel / 1127)
    return int(round(hz, -1 if hz < 1000 else -2))


def _alike(name: str) -> list[str]:
    """Return the known names that share a contour or functional with a mistyped one, or else all."""
    from msfl.features.sets import FEATURE_SETS, feature_names

    known = list(dict.fromkeys(known for one in FEATURE_SETS for known in feature_names(one)))
    match = _NAME.fullmatch(name)
    if match is None:
        return known
    functional = [other for other in known if other.endswith("_" + match["functional"])]
    contour = [other for other in known if other.startswith(match["lld"] + "_sma")]
    return (functional if _contour(match["lld"] + (match["index"] or "")) is None else contour) or known

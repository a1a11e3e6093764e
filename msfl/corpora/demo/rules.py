"""How an emotion changes the voice: published rules, how much of each is applied, and in which languages.

Sources, named in `Rule.source`:
    M&A 1993: Murray, I. R. & Arnott, J. L. (1993). Toward the simulation of emotion in synthetic speech. J.
        Acoust. Soc. Am. 93(2), 1097-1108. Its table says directions ("much higher"), not numbers.
    B&S 2000: Burkhardt, F. & Sendlmeier, W. F. (2000). Verification of acoustical correlates of emotional
        speech using formant-synthesis. ISCA Workshop on Speech and Emotion, 151-156.
    Emofilt: Burkhardt, F. (2005). Emofilt: the simulation of emotional speech by prosody-transformation.
        Interspeech; the numbers are those of its rule file `emotions.xml` (hotAnger, joy, scared, sad).
        SyntAct (Burkhardt, Eyben & Schuller 2022) is a database made in this way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

EMOTIONS = ("anger", "fear", "happiness", "neutral", "sadness")

RATIOS = ("pitch_level", "pitch_range", "rate")
"""Cues that are factors on the neutral value; the others are added to it, see `UNITS`."""

CUES = (*RATIOS, "loudness", "tilt", "jitter")

UNITS = {
    **dict.fromkeys(RATIOS, "factor"),
    "loudness": "dB",
    "tilt": "dB above 1 kHz",
    "jitter": "% of the period",
}

SHARED_CUES = ("pitch_level", "pitch_range", "rate")
"""Planted in every language."""

LANGUAGE_CUES = {"de": ("tilt",), "zh": ("loudness",), "en": ("jitter",)}
"""Planted in one language only; they tell apart what the shared cues leave alike, anger and happiness."""

STRENGTH = {
    "pitch_level": 0.7,
    "pitch_range": 0.8,
    "rate": 0.7,
    "loudness": 1.0,
    "tilt": 1.0,
    "jitter": 0.5,
}
"""How much of a published effect is applied: an exponent for a ratio, a factor otherwise. The published rules
were made to be recognised by listeners; at full strength any classifier would be perfect. Our choice."""

SCATTER = {
    "pitch_level": 0.04,
    "pitch_range": 0.12,
    "rate": 0.05,
    "loudness": 1.0,
    "tilt": 1.0,
    "jitter": 0.25,
}
"""Standard deviation between utterances: of the logarithm for ratios and jitter, in dB otherwise. Ours."""

INTENSITY_SCATTER = 0.15
"""Standard deviation of the intensity of a portrayal around 1; it multiplies all effects of an utterance."""


@dataclass(frozen=True)
class Rule:
    """The full effect of one emotion on one cue, relative to neutral speech of the same speaker.

    Attributes:
        value: Factor for `RATIOS`; dB for loudness and tilt; percent of the period for jitter.
        source: Where it comes from, and what in it is our choice.
    """

    value: float
    source: str


RULES: Mapping[str, Mapping[str, Rule]] = {
    "anger": {
        "pitch_level": Rule(1.5, "Emofilt hotAnger: F0 mean 150 %; M&A 1993: very much higher"),
        "pitch_range": Rule(2.0, "Emofilt hotAnger: F0 range 200 %; M&A 1993: much wider"),
        "rate": Rule(1.15, "M&A 1993: slightly faster; the amount is ours (Emofilt: durations 70 %)"),
        "loudness": Rule(6.0, "M&A 1993: higher; 6 dB as in Murray & Arnott (1995)"),
        "tilt": Rule(9.0, "B&S 2000: tense phonation, Emofilt: loud effort; the amount is ours"),
        "jitter": Rule(5.0, "Emofilt hotAnger: jitter 5"),
    },
    "fear": {
        "pitch_level": Rule(2.0, "Emofilt scared: F0 mean 200 %; B&S 2000: +150 %; M&A 1993: very much "
        "higher"),
        "pitch_range": Rule(1.2, "B&S 2000: +20 %"),
        "rate": Rule(1.43, "Emofilt scared: durations 70 %; B&S 2000: +30 %; M&A 1993: much faster"),
        "loudness": Rule(0.0, "M&A 1993: normal"),
        "tilt": Rule(-3.0, "B&S 2000: falsetto, whose spectrum is steep; the amount is ours"),
        "jitter": Rule(5.0, "Emofilt scared: jitter 5; M&A 1993: irregular voicing"),
    },
    "happiness": {
        "pitch_level": Rule(1.5, "B&S 2000: +50 %; Emofilt joy: 150 %; M&A 1993: much higher"),
        "pitch_range": Rule(2.0, "B&S 2000: +100 %; Emofilt joy: 200 %; M&A 1993: much wider"),
        "rate": Rule(1.3, "B&S 2000: tempo +30 %; M&A 1993: faster or slower"),
        "loudness": Rule(2.0, "M&A 1993: higher; the amount is ours, below anger"),
        "tilt": Rule(0.0, "B&S 2000: modal phonation"),
        "jitter": Rule(0.0, "Emofilt joy and happy: none"),
    },
    "neutral": {
        cue: Rule(1.0 if cue in RATIOS else 0.0, "the reference")
        for cue in CUES
    },
    "sadness": {
        "pitch_level": Rule(0.85, "M&A 1993: slightly lower; the amount is ours"),
        "pitch_range": Rule(0.8, "Emofilt sad: F0 range 80 %; M&A 1993: slightly narrower"),
        "rate": Rule(0.71, "Emofilt sad: durations 140 %; M&A 1993: slightly slower"),
        "loudness": Rule(-6.0, "M&A 1993: lower; the amount is ours, the mirror of anger"),
        "tilt": Rule(-9.0, "Emofilt sad: soft effort; the amount is ours, the mirror of anger"),
        "jitter": Rule(0.0, "M&A 1993: resonant (Emofilt sad: jitter 10, not used)"),
    },
}  # fmt: skip
"""Emotion -> cue -> rule."""


def is_planted(language: str, cue: str) -> bool:
    """Say whether a cue carries emotion in a language."""
    return cue in SHARED_CUES or cue in LANGUAGE_CUES[language]


def effect(language: str, emotion: str, cue: str, intensity: float = 1.0) -> float:
    """Return what is applied to neutral speech: a factor for `RATIOS`, otherwise dB or percent.

    Args:
        language: ``de``, ``zh`` or ``en``.
        emotion: One of `EMOTIONS`.
        cue: One of `CUES`.
        intensity: How strongly this utterance portrays its emotion; 1 on average.
    """
    ratio = cue in RATIOS
    if not is_planted(language, cue):
        return 1.0 if ratio else 0.0
    value = RULES[emotion][cue].value
    strength = STRENGTH[cue] * intensity
    return float(value**strength) if ratio else value * strength

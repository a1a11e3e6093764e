"""The known truth of the demo corpus: which cue is planted where, and which openSMILE contours it moves."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

from msfl.corpora.demo import rules
from msfl.corpora.demo.speakers import SENTENCES, SPEAKERS, VOICES

VERSION = 1
"""To be raised when the sound changes although neither rules nor speakers nor sentences do."""

FILE = "planted.json"


def _indexed(contour: str, last: int, first: int = 0) -> tuple[str, ...]:
    return tuple(f"{contour}[{place}]" for place in range(first, last + 1))


TOUCHES: dict[str, dict[str, tuple[str, ...]]] = {
    "pitch_level": {"families": ("pitch",), "contours": ("F0final", "F0finEnv")},
    "pitch_range": {"families": ("pitch",), "contours": ("F0final", "F0finEnv")},
    "rate": {"families": ("timing",), "contours": ("voicing pattern",)},
    "loudness": {
        "families": ("loudness", "spectrum", "cepstrum"),
        "contours": ("pcm_loudness", *_indexed("logMelFreqBand", 7), "mfcc[0]"),
    },
    "tilt": {
        "families": ("line spectral frequencies", "spectrum", "cepstrum"),
        "contours": (*_indexed("lspFreq", 5), *_indexed("logMelFreqBand", 7, 4), *_indexed("mfcc", 2)),
    },
    "jitter": {"families": ("voice quality",), "contours": ("jitterLocal", "jitterDDP", "shimmerLocal")},
}
"""Cue -> what it moves by physics: families and contours of IS10 in the words of the feature grammar. The
level of a frame is part of its band energies and of mfcc[0], so loudness is never planted without them."""

SIDE_EFFECTS = (
    "pitch_level moves mfcc (6, 9, 11, 14 most) and the upper lspFreq a little in all languages, because "
    "harmonics wander through bands and formants",
    "pitch_level and pitch_range move voicingFinalUnclipped, jitterLocal and shimmerLocal in all languages, "
    "because openSMILE finds periods the better the higher the voice is",
    "rate moves positions of maxima and minima, slopes and delta coefficients of every contour everywhere",
    "jitter lowers voicingFinalUnclipped and disturbs F0final in en",
    "loudness against the constant room noise moves the depth of pauses in all band energies in zh",
)
"""What moves although it is not meant to; measured sizes are in docs/demo-corpus.md."""

README = """SYNTHETIC SPEECH - NOT RECORDINGS OF PEOPLE

This corpus was spoken by the formant synthesiser espeak-ng on this machine (msfl demo corpus, seed {seed}).
Emotion was put in by rules: pitch level and range and speaking rate in all three languages, spectral tilt in
German only, loudness in Mandarin only, jitter and shimmer in English only. Which language got which cue was
decided by us, to give software a known truth to be held against; planted.json says what was planted, with
sources and numbers.

Nothing about emotion, about German, Mandarin or English, or about people may be concluded from it.

Layout: <language>/<speaker>/<speaker>_<emotion>_<sentence>.wav, 16 kHz, mono, 16 bit.
Do not edit planted.json: `msfl demo` recognises its folder, and what is finished in it, by this file.
"""


def _touched(cues: tuple[str, ...]) -> dict[str, list[str]]:
    """Return the families and contours of some cues, without repetition."""
    return {
        "cues": list(cues),
        **{
            kind: list(dict.fromkeys(name for cue in cues for name in TOUCHES[cue][kind]))
            for kind in ("families", "contours")
        },
    }


def _rules(language: str) -> dict[str, Any]:
    return {
        emotion: {
            cue: {
                "published": rule.value,
                "applied": round(rules.effect(language, emotion, cue), 4),
                "unit": rules.UNITS[cue],
                "source": rule.source,
            }
            for cue, rule in rules.RULES[emotion].items()
            if rules.is_planted(language, cue)
        }
        for emotion in rules.EMOTIONS
    }


def planted(seed: int) -> dict[str, Any]:
    """Return the content of ``planted.json``.

    Keys: corpus, synthetic, notice, version, seed, emotions, languages, speakers, sentences, rules (language
    -> emotion -> cue -> published and applied effect), scatter, shared and language_specific (cues, families
    and contours), side_effects, fingerprint (of all the rest: equal fingerprints, equal sound).
    """
    facts: dict[str, Any] = {
        "corpus": "demo",
        "synthetic": True,
        "notice": "Synthetic speech with planted cues; nothing about human languages follows from it.",
        "version": VERSION,
        "seed": seed,
        "emotions": list(rules.EMOTIONS),
        "languages": list(VOICES),
        "speakers": {speaker.name: vars(speaker) for speaker in SPEAKERS},
        "sentences": {language: list(texts) for language, texts in SENTENCES.items()},
        "rules": {language: _rules(language) for language in VOICES},
        "scatter": {**rules.SCATTER, "intensity": rules.INTENSITY_SCATTER},
        "shared": _touched(rules.SHARED_CUES),
        "language_specific": {language: _touched(cues) for language, cues in rules.LANGUAGE_CUES.items()},
        "side_effects": list(SIDE_EFFECTS),
    }
    text = json.dumps(facts, sort_keys=True, ensure_ascii=False)
    return {**facts, "fingerprint": sha256(text.encode()).hexdigest()}

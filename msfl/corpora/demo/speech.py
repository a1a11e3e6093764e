"""One utterance: a speaker says a sentence with an emotion."""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from msfl.corpora.demo import effects, rules
from msfl.corpora.demo.espeak import speak
from msfl.corpora.demo.speakers import NATURAL_F0, SENTENCES, SPEAKERS, VOICES, Speaker

NEUTRAL_RANGE = 40.0
"""Pitch range of neutral speech as espeak-ng counts it; it allows an effect of up to 2.4."""
STEPS_PER_OCTAVE = 63.0
"""Steps of espeak-ng's pitch that double the median F0 (measured; 58 to 65 for the four variants)."""
NEUTRAL_LEVEL = -29.0
"""Loudness level of neutral speech, dB below full scale."""
NOISE_LEVEL = -72.0
"""Level of the room noise, dB below full scale; the same everywhere."""
SHIMMER_PER_JITTER = 10.0
"""Shimmer goes with jitter, both being irregularity of the glottal cycle. The ratio is ours."""


@dataclass(frozen=True)
class Utterance:
    """What is said, by whom, and how."""

    speaker: Speaker
    emotion: str
    sentence: int

    @property
    def name(self) -> str:
        """Stem of the file, unique in the corpus: ``de-f1_anger_s01``."""
        return f"{self.speaker.name}_{self.emotion}_s{self.sentence + 1:02d}"

    @property
    def path(self) -> str:
        """Place in the corpus folder, with forward slashes."""
        return f"{self.speaker.language}/{self.speaker.name}/{self.name}.wav"

    @property
    def text(self) -> str:
        """The sentence."""
        return SENTENCES[self.speaker.language][self.sentence]


def utterances() -> list[Utterance]:
    """Return the whole corpus in a fixed order."""
    return [
        Utterance(speaker, emotion, sentence)
        for speaker in SPEAKERS
        for emotion in rules.EMOTIONS
        for sentence in range(len(SENTENCES[speaker.language]))
    ]


def draw_cues(utterance: Utterance, rng: np.random.Generator) -> dict[str, float]:
    """Return what this utterance does with each cue: its emotion's rule at its intensity, plus scatter."""
    intensity = float(np.clip(1 + rules.INTENSITY_SCATTER * rng.standard_normal(), 0.4, 1.6))
    cues = {}
    for cue in rules.CUES:
        value = rules.effect(utterance.speaker.language, utterance.emotion, cue, intensity)
        noise = rules.SCATTER[cue] * float(np.clip(rng.standard_normal(), -2.5, 2.5))
        if cue in rules.RATIOS:
            value *= np.exp(noise)
        elif cue == "jitter":
            value = (100 * utterance.speaker.jitter + value) * np.exp(noise)
        else:
            value += noise
        cues[cue] = float(value)
    return cues


def synthesise(utterance: Utterance, *, seed: int = 0) -> NDArray[np.int16]:
    """Speak one utterance.

    Args:
        utterance: What to say.
        seed: Seed of the corpus; the utterance derives its own from it and its name.

    Returns:
        Samples at 16 kHz, mono, shape (n,).
    """
    rng = np.random.default_rng([seed, crc32(utterance.name.encode())])
    speaker, cues = utterance.speaker, draw_cues(utterance, rng)
    f0 = speaker.f0 * cues["pitch_level"]
    # `warp` multiplies pitch and rate by `tract`, therefore the divisions.
    pitch = 50 + STEPS_PER_OCTAVE * np.log2(f0 / speaker.tract / NATURAL_F0[speaker.variant])
    raw, sampling_rate = speak(
        utterance.text,
        voice=f"{VOICES[speaker.language]}+{speaker.variant}",
        rate=round(speaker.rate * cues["rate"] / speaker.tract),
        pitch=int(np.clip(round(pitch), 0, 99)),
        pitch_range=int(np.clip(round(NEUTRAL_RANGE * cues["pitch_range"]), 0, 99)),
    )
    jitter = cues["jitter"] / 100
    signal = effects.warp(raw, sampling_rate, tract=speaker.tract, jitter=jitter, period=1 / f0, rng=rng)
    signal = effects.trim(signal)
    signal = effects.shimmer(signal, amount=SHIMMER_PER_JITTER * jitter, period=1 / f0, rng=rng)
    signal = effects.tilt(signal, gain=cues["tilt"])
    signal = effects.set_level(signal, level=NEUTRAL_LEVEL + cues["loudness"])
    signal = effects.room_noise(signal, level=NOISE_LEVEL, rng=rng)
    return np.round(signal * 32767).astype(np.int16)

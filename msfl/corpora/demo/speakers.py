"""Who speaks in the demo corpus, and what they say."""

from __future__ import annotations

from dataclasses import dataclass

VOICES = {"de": "de", "zh": "cmn", "en": "en"}
"""BCP 47 tag of the utterance table -> voice of espeak-ng."""

NATURAL_F0 = {"f2": 182.0, "f3": 193.0, "m2": 96.0, "m3": 98.0}
"""Variant of espeak-ng -> median F0 in Hz at pitch 50 (measured on one German sentence)."""


@dataclass(frozen=True)
class Speaker:
    """A synthetic speaker.

    Attributes:
        name: Unique in the corpus, ``de-f1``.
        language: BCP 47 tag.
        gender: ``female`` or ``male``.
        variant: Variant of espeak-ng: formant frequencies and bandwidths, and the glottal pulse.
        f0: Median F0 of neutral speech, Hz.
        tract: Factor on all formant frequencies; above 1 is a shorter vocal tract.
        rate: Words per minute of neutral speech, as espeak-ng counts them.
        jitter: Cycle-to-cycle deviation of the neutral voice, standard deviation as a fraction of the period.
    """

    name: str
    language: str
    gender: str
    variant: str
    f0: float
    tract: float
    rate: float
    jitter: float


def _speakers() -> tuple[Speaker, ...]:
    # The same four variants in each language: a voice must not tell the language.
    pitch = {"de": (182, 192, 104, 110), "zh": (188, 184, 116, 112), "en": (180, 190, 106, 112)}
    tract = {"de": (1.00, 0.98, 1.02, 0.99), "zh": (1.02, 0.99, 0.98, 1.01), "en": (0.99, 1.01, 1.00, 0.97)}
    rate = {"de": (165, 173, 170, 162), "zh": (170, 164, 162, 172), "en": (173, 167, 165, 171)}
    jitter = {"de": (3, 4, 5, 3), "zh": (4, 3, 3, 5), "en": (4, 3, 5, 3)}
    return tuple(
        Speaker(
            f"{language}-{variant[0]}{1 + place % 2}",
            language,
            "female" if variant[0] == "f" else "male",
            variant,
            float(pitch[language][place]),
            tract[language][place],
            float(rate[language][place]),
            jitter[language][place] / 1000,
        )
        for language in VOICES
        for place, variant in enumerate(NATURAL_F0)
    )


SPEAKERS = _speakers()

SENTENCES = {
    "de": (
        "Der Lappen liegt auf dem Tisch neben der Lampe.",
        "Am Mittwoch holt sie das Paket bei der Post ab.",
        "Die Tasche steht hinten im Flur an der Wand.",
        "In einer halben Stunde kommt der nächste Zug.",
        "Er hat die Zeitung auf den Stuhl gelegt.",
        "Die Straße führt am Bahnhof vorbei zum Fluss.",
        "Heute Nachmittag wird der Garten gegossen.",
        "Das Fenster im oberen Zimmer ist angelehnt.",
        "Wir treffen uns um sieben vor dem Rathaus.",
        "Auf dem Regal stehen drei Bücher und ein Glas.",
    ),
    "zh": (
        "他把杯子放在桌子上了。",
        "今天下午的会议改到三点。",
        "火车站就在那条路的左边。",
        "她星期三去邮局取包裹。",
        "书架上有三本书和一盏灯。",
        "我们七点钟在门口见面。",
        "楼上房间的窗户开着一点。",
        "这辆公共汽车经过图书馆。",
        "报纸放在门边的椅子上。",
        "明天早上他们要去买菜。",
    ),
    "en": (
        "The papers are on the table next to the lamp.",
        "She will collect the parcel on Wednesday morning.",
        "The bag is standing in the hall by the door.",
        "The next train arrives in half an hour.",
        "He has put the newspaper on the chair.",
        "The road goes past the station to the river.",
        "The garden will be watered in the afternoon.",
        "The window in the upper room is open a little.",
        "We are meeting at seven in front of the library.",
        "There are three books and a glass on the shelf.",
    ),
}
"""Language -> ten sentences without emotional content; the place in the list is the sentence's code."""

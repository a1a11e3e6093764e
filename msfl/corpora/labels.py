"""One vocabulary of emotions for all corpora, and the arousal and valence levels that follow from a class."""

from __future__ import annotations

import math
import tomllib
import unicodedata
from collections.abc import Mapping
from pathlib import Path

from msfl.errors import DataError, nearest

SYNONYMS: dict[str, tuple[str, ...]] = {
    "amusement": ("amused", "amus"),
    "anger": ("angry", "ang", "wut", "arger", "aerger", "rabbia", "rab", "rage", "furious", "hot anger"),
    "boredom": ("bored", "bor", "langeweile"),
    "calm": ("calmness", "calmed", "relaxed", "relaxation", "sakin"),
    "contempt": ("contemptuous", "scorn"),
    "disgust": ("disgusted", "dis", "ekel", "disgusto"),
    "excitement": ("excited", "exc", "elation", "elated"),
    "fear": ("fearful", "fea", "scared", "afraid", "angst", "anxiety", "anxious", "paura", "pau", "panic"),
    "frustration": ("frustrated", "fru"),
    "guilt": ("guilty", "colpa"),
    "happiness": ("happy", "hap", "joy", "joyful", "freude", "gluck", "glueck", "gioia", "gio", "mutlu"),
    "interest": ("interested", "curiosity", "curious"),
    "neutral": ("neu", "ntr", "neutrality", "neutrale", "normal"),
    "other": ("oth", "others"),
    "pride": ("proud",),
    "relief": ("relieved",),
    "sadness": ("sad", "trauer", "traurigkeit", "tristezza", "tri", "grief", "sorrow", "uzgun"),
    "sleepiness": ("sleepy", "tired", "tiredness", "mude", "muede"),
    "surprise": ("surprised", "sur", "sorpresa", "sor", "uberraschung", "ps", "pleasant surprise"),
}  # fmt: skip
"""Harmonised emotion -> other words for it. The letters of one corpus live in its reader."""

EMOTIONS = tuple(sorted(SYNONYMS))
"""The harmonised vocabulary. A user may declare further classes, see `harmonise`."""

LEVELS = ("low", "mid", "high")

AROUSAL = {
    "anger": "high",
    "fear": "high",
    "happiness": "high",
    "disgust": "high",
    "surprise": "high",
    "sadness": "low",
    "boredom": "low",
    "neutral": "low",
    # Our choice from here on, by the places of the words on Russell's circumplex (1980).
    "amusement": "high",
    "excitement": "high",
    "frustration": "high",
    "calm": "low",
    "sleepiness": "low",
    "contempt": "mid",
    "guilt": "mid",
    "interest": "mid",
    "pride": "mid",
    "relief": "low",
}
"""Arousal level of a class. The classes of EMO-DB and `surprise` are read as in the multitask literature
(N. K. Kim et al., APSIPA ASC 2017, whose own table is not published); the others are our choice."""

VALENCE = {
    "happiness": "high",
    "neutral": "mid",
    "surprise": "mid",
    "anger": "low",
    "fear": "low",
    "disgust": "low",
    "sadness": "low",
    "boredom": "low",
    # Our choice from here on. RAVDESS has "calm" as a second baseline beside neutral, hardly positive.
    "calm": "mid",
    "amusement": "high",
    "excitement": "high",
    "interest": "high",
    "pride": "high",
    "relief": "high",
    "contempt": "low",
    "frustration": "low",
    "guilt": "low",
    "sleepiness": "mid",
}
"""Valence level of a class; the source is that of `AROUSAL`. No level follows from `other`."""


def plain(label: str) -> str:
    """Return a label in lower case, without accents, with single blanks for ``_`` and ``-``.

    Example:
        >>> plain("Pleasant_Surprise"), plain("Ärger")
        ('pleasant surprise', 'arger')
    """
    decomposed = unicodedata.normalize("NFKD", label.casefold())
    bare = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return " ".join(bare.replace("_", " ").replace("-", " ").split())


_KNOWN = {word: emotion for emotion, words in SYNONYMS.items() for word in (emotion, *words)}


def harmonise(label: str, own: Mapping[str, str] | None = None) -> str:
    """Return the harmonised emotion that a label means.

    Args:
        label: A label as a corpus writes it; case, accents, ``_`` and ``-`` do not matter.
        own: Further labels, label -> emotion; an emotion that is not in `EMOTIONS` becomes a further class.

    Raises:
        DataError: The label is not known.

    Example:
        >>> harmonise("Angry"), harmonise("Freude"), harmonise("stolz", {"stolz": "pride"})
        ('anger', 'happiness', 'pride')
    """
    word = plain(label)
    declared = {plain(key): value for key, value in (own or {}).items()}
    if word in declared:
        return _KNOWN.get(plain(declared[word]), plain(declared[word]))
    if word in _KNOWN:
        return _KNOWN[word]
    hint = nearest(word, [*declared, *_KNOWN])
    raise DataError(
        f"The emotion '{label}' is not known.{hint} Known are {', '.join(EMOTIONS)}. To keep a label of your "
        f'own, declare it in a file labels.toml beside the manifest: under [emotions], "{word}" = "{word}".'
    )


def read_own(folder: Path) -> dict[str, str]:
    """Return the labels that `labels.toml` in a folder declares under ``[emotions]``; none without the file.

    Raises:
        DataError: The file is not TOML, or has no such table of words.
    """
    file = folder / "labels.toml"
    if not file.is_file():
        return {}
    try:
        emotions = tomllib.loads(file.read_text(encoding="utf-8")).get("emotions")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"'{file}' is not a TOML file: {error}.") from error
    if not isinstance(emotions, dict) or not all(isinstance(value, str) for value in emotions.values()):
        raise DataError(f'\'{file}\' must have a table [emotions] with lines such as "furious" = "anger".')
    return emotions


def level_from_rating(rating: float | None) -> str | None:
    """Return the level of a rating: low [1, 2], mid (2, 4), high [4, 5]; None where it is missing.

    The scale is 1 to 5, the cuts are those of Zhang, Wu & Schuller, ICASSP 2019.

    Raises:
        DataError: The rating is outside 1 to 5.
    """
    if rating is None or math.isnan(rating):
        return None
    if not 1 <= rating <= 5:
        raise DataError(f"The rating {rating:g} is outside the scale 1 to 5; convert ratings to it first.")
    return "low" if rating <= 2 else "high" if rating >= 4 else "mid"

"""Finding a feature by words or by its name."""

from __future__ import annotations

from functools import lru_cache

from dashboard.data import RunData


def search(run: RunData, query: str, most: int) -> tuple[list[str], int]:
    """Return the features whose name, words or family hold every word of a query, and how many there are.

    Names that begin with the query come first, then those in fewer words: the plainest feature leads.
    """
    words = query.lower().split()
    found = [(name, text) for name, text in _texts(run) if all(word in text for word in words)]
    start = query.strip().lower()
    found.sort(key=lambda item: (not item[0].lower().startswith(start), len(item[1])))
    return [name for name, _ in found[:most]], len(found)


@lru_cache(maxsize=8)
def _texts(run: RunData) -> tuple[tuple[str, str], ...]:
    texts = []
    for name in run.feature_names:
        words = run.words(name)
        texts.append((name, f"{name} {words.description} {words.family} {words.question}".lower()))
    return tuple(texts)

"""The synthetic demo corpus: espeak-ng speaks it on the spot, with emotion planted by published rules.

`make` writes it, `READER` reads it, `planting.planted` says what is true about it. See `docs/demo-corpus.md`.
"""

from msfl.corpora.demo.reader import READER
from msfl.corpora.demo.writing import make

__all__ = ["READER", "make"]

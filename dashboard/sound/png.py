"""A spectrogram as a PNG: ink whose opacity is the energy, so that it stands on a light and on a dark page."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np
from numpy.typing import NDArray

STRONGEST = 200
"""Opacity of the loudest pixel, of 255: contours drawn over it must stay readable."""


def ink(image: NDArray[np.uint8]) -> str:
    """Return an image as a data address: black, with the values as opacity (an indexed PNG with a table of those).

    Args:
        image: uint8 (rows, columns).
    """
    rows, columns = image.shape
    lines = np.zeros((rows, columns + 1), dtype=np.uint8)  # every line begins with its filter, 0: none
    lines[:, 1:] = image
    opacities = bytes(STRONGEST * value // 255 for value in range(256))
    parts = [
        _chunk(b"IHDR", struct.pack(">IIBBBBB", columns, rows, 8, 3, 0, 0, 0)),
        _chunk(b"PLTE", bytes(3 * 256)),
        _chunk(b"tRNS", opacities),
        _chunk(b"IDAT", zlib.compress(lines.tobytes(), 6)),
        _chunk(b"IEND", b""),
    ]
    encoded = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"".join(parts)).decode("ascii")
    return f"data:image/png;base64,{encoded}"


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

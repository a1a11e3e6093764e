"""Do the languages agree on which way a feature goes with an emotion?"""

from __future__ import annotations

import numpy as np
import pandas as pd

ALL = "all"
"""Language of the rows that are means over the languages."""


def directions(effects: pd.DataFrame) -> pd.DataFrame:
    """Compare the direction of each effect between the languages.

    Args:
        effects: The table of effects, see `docs/explanations.md`.

    Returns:
        One row per feature, emotion and contrast that at least two languages have: `languages` (how many have an
        effect), `agreeing` (how many go the way of the majority), `direction` (1 or -1, the way of the majority; 0
        where there is none) and `shared`: the intervals of all of them lie on the same side of zero. An effect
        without an interval is never shared.
    """
    rows = effects[(effects["language"] != ALL) & effects["hedges_g"].notna()]
    side = np.sign(rows["hedges_g"])
    frame = pd.DataFrame(
        {
            **{key: rows[key] for key in ("name", "emotion", "contrast")},
            "languages": 1,
            "up": side > 0,
            "down": side < 0,
            "surely_up": rows["low"] > 0,
            "surely_down": rows["high"] < 0,
        }
    )
    counts = frame.groupby(["name", "emotion", "contrast"], sort=False, as_index=False).sum()
    counts = counts[counts["languages"] > 1].reset_index(drop=True)
    surely = counts[["surely_up", "surely_down"]].max(axis=1)
    return pd.DataFrame(
        {
            **{key: counts[key] for key in ("name", "emotion", "contrast", "languages")},
            "agreeing": counts[["up", "down"]].max(axis=1).astype("int64"),
            "direction": np.sign(counts["up"].astype("int64") - counts["down"].astype("int64")),
            "shared": surely == counts["languages"],
        }
    )

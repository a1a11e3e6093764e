"""Faithfulness: does the model itself miss the features that a ranking puts first? Methods: `docs/faithfulness.md`.

Pure functions on arrays and a prediction function: `removal` (what is removed, in which order), `outcomes` (what that
does to the predictions), `curves` (areas, comprehensiveness, sufficiency), `chance` (random rankings and p-values),
`retraining` (ROAR). Adapters to a run: `held_out`, `judging`, `tables`.
"""

from analyses.faithfulness.tables import tables

__all__ = ["tables"]

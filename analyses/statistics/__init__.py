"""What the features themselves say about emotions, without any model: `docs/statistics.md`."""

from analyses.statistics.mixed import MixedModel, mixed_model
from analyses.statistics.results import notes, tables

__all__ = ["MixedModel", "mixed_model", "notes", "tables"]

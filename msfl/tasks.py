"""What a head predicts: the tasks, and where in the utterance table their labels stand."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Task:
    """One classification task and its classes, in the order of the model's outputs.

    Attributes:
        name: Name of the task; its labels stand in the column `column` of the utterance table.
        classes: Class names, sorted, at least two for a task that can be learnt.
    """

    name: str
    classes: tuple[str, ...]

    @property
    def column(self) -> str:
        """Column of the utterance table that holds the labels."""
        return COLUMNS[self.name]


COLUMNS = {
    "emotion": "emotion",
    "language": "language",
    "gender": "gender",
    "speaker": "speaker",
    "arousal": "arousal_level",
    "valence": "valence_level",
    "dominance": "dominance_level",
    "naturalness": "naturalness",
}
"""Task name -> column of the utterance table."""

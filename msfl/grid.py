"""The grid of an experiment: language sets x models x folds x seeds, as jobs with stable names and seeds."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from msfl.errors import UsageError, nearest

MAX_LANGUAGES_FOR_SUBSETS = 8
"""``all-subsets`` of n languages are 2^n - 1 sets; beyond this nobody means it."""


@dataclass(frozen=True)
class LanguageSet:
    """Languages that one model is trained on.

    Attributes:
        name: ``de``, ``de+it``, or ``all`` for every language of a multilingual experiment.
        languages: Language tags, sorted.
    """

    name: str
    languages: tuple[str, ...]


@dataclass(frozen=True)
class Job:
    """One model to be trained: a cell of the grid."""

    language_set: LanguageSet
    model: str
    fold: str
    seed: int

    @property
    def id(self) -> str:
        """Name of the job's folder: readable, safe on every file system, unique by its last part."""
        key = f"{self.language_set.name}|{self.model}|{self.fold}|{self.seed}"
        words = re.sub(r"[^A-Za-z0-9+_-]+", "_", key.replace("|", "--"))[:100]
        return f"{words}--{hashlib.sha256(key.encode()).hexdigest()[:8]}"

    def derived_seed(self, experiment_seed: int) -> int:
        """Return the seed of everything random in this job, 0 to 2^31 - 1.

        It depends on the experiment's seed, language set, fold and seed, and not on the model: models that
        are compared start from the same numbers. Nor does it depend on the other jobs, so the order and the
        number of workers cannot change a result.
        """
        key = f"{experiment_seed}|{self.language_set.name}|{self.fold}|{self.seed}"
        return int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") & 0x7FFFFFFF


def language_sets(
    rule: str | Sequence[Sequence[str]], languages: Iterable[str], *, where: str = "training.language_sets"
) -> tuple[LanguageSet, ...]:
    """Work out the language sets of an experiment.

    Args:
        rule: ``monolingual``, ``all``, ``monolingual+all``, ``all-subsets``, or a list of lists of languages.
        languages: The languages that the data hold. Two tags are two languages: ``en-US`` is not ``en-GB``.
        where: The key of the experiment file, for the error.

    Returns:
        The sets without repetitions, small ones first.

    Raises:
        UsageError: A set names a language that the data do not hold, or ``all-subsets`` would be too many.
    """
    known = tuple(sorted(set(languages)))
    singles: list[tuple[str, ...]] = [(language,) for language in known]
    if not isinstance(rule, str):
        groups = [tuple(sorted(set(group))) for group in rule]
        for language in (language for group in groups for language in group):
            if language not in known:
                hint = nearest(language, known)
                raise UsageError(
                    f"{where}: no corpus holds the language '{language}' (there are "
                    f"{', '.join(known)}).{hint}"
                )
    elif rule == "monolingual":
        groups = singles
    elif rule == "all":
        groups = [known]
    elif rule == "monolingual+all":
        groups = [*singles, known]
    else:
        if len(known) > MAX_LANGUAGES_FOR_SUBSETS:
            raise UsageError(
                f"{where}: 'all-subsets' of {len(known)} languages are {2 ** len(known) - 1} sets; "
                "list the sets that you mean."
            )
        groups = [group for size in range(1, len(known) + 1) for group in combinations(known, size)]
    unique = sorted(set(groups), key=lambda group: (len(group), group))
    return tuple(LanguageSet(_set_name(group, known), group) for group in unique)


def _set_name(group: tuple[str, ...], known: tuple[str, ...]) -> str:
    return "all" if group == known and len(known) > 1 else "+".join(group)

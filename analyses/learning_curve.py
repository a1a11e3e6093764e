"""The learning curve over the share of labels: runs that differ in `data.labelled` only, joined into one table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from msfl.errors import DataError, MsflError

if TYPE_CHECKING:
    import pandas as pd

    from msfl.runs import Run

SEMI_SUPERVISED = ("semi-supervised-aae",)
"""Systems that learn from unlabelled utterances; their twins do not."""
SHARE = "labelled"


def curves(runs: Sequence[Run]) -> list[list[Run]]:
    """Return the runs that belong together, two or more shares of labels each, the smallest share first.

    Such runs have the same data, features, folds and settings; their names and models may differ. Of two runs with
    the same share, the first counts.
    """
    groups: dict[str, dict[float, Run]] = {}
    for run in runs:
        groups.setdefault(_key(run), {}).setdefault(run.labelled, run)
    return [[group[share] for share in sorted(group)] for group in groups.values() if len(group) > 1]


def learning_curve(runs: Sequence[Run], *, task: str = "", metric: str = "uar") -> pd.DataFrame:
    """Return the scores of every system over the share of labels.

    Args:
        runs: One run per share of labels, see `curves`.
        task: The task; the main task by default.
        metric: ``uar``, ``war`` or ``macro_f1``.

    Returns:
        Columns labelled (share), language_set, model, seeds, group (corpus, or the mean over corpora), and the metric
        with ``_low`` and ``_high`` (95 % interval over speakers) and ``_sd`` (over seeds), one row per seed average.

    Raises:
        DataError: The runs differ in more than the share of labels, or one of them is not finished.
    """
    import pandas as pd

    from msfl.results import compare

    ordered = _one_curve(runs)
    parts = [
        pd.DataFrame(compare(run, task=task or _main(run), metric=metric).records()).assign(
            **{SHARE: run.labelled}
        )
        for run in ordered
    ]
    frame = pd.concat(parts, ignore_index=True)
    # Averaged over seeds, an ensemble has seen several draws of labels, and so more of them than its share.
    frame = frame[~frame["seeds"].str.endswith("averaged")]
    first = [SHARE, "language_set", "model", "group"]
    return frame[[*first, *(name for name in frame if name not in first)]].reset_index(drop=True)


def gains(runs: Sequence[Run], *, task: str = "") -> pd.DataFrame:
    """Return what unlabelled utterances add: each system of `SEMI_SUPERVISED` minus its twin, on the same utterances.

    Returns:
        Column labelled and those of `msfl.results.gains`; empty where no run has both.

    Raises:
        DataError: See `learning_curve`.
    """
    import pandas as pd

    from msfl.results import gains as of_run

    found = [of_run(run, task=task or _main(run)).assign(**{SHARE: run.labelled}) for run in _one_curve(runs)]
    frame = pd.concat([part for part in found if len(part)] or found[:1], ignore_index=True)
    frame = frame[frame["model"].isin(SEMI_SUPERVISED)].reset_index(drop=True)
    return frame[[SHARE, *frame.columns.drop(SHARE)]]


def _one_curve(runs: Sequence[Run]) -> list[Run]:
    found = curves(runs)
    if len(found) != 1 or len(found[0]) != len({run.path for run in runs}):
        raise DataError(
            "These runs are no learning curve: it takes two or more, each with another data.labelled, and with the "
            "same data, features, protocol, seeds and settings otherwise."
        )
    return found[0]


def _main(run: Run) -> str:
    return run.experiment.training.tasks[0]


def _key(run: Run) -> str:
    """Return everything that runs of one curve have in common, as text."""
    manifest = run.manifest
    try:
        whole: dict[str, Any] = run.experiment.model_dump(mode="json")
    except MsflError:
        return f"unreadable: {run.path}"
    settings = {
        "data": {key: value for key, value in whole["data"].items() if key not in (SHARE, "features_table")},
        "protocol": whole["protocol"],
        "training": {
            key: value for key, value in whole["training"].items() if key not in ("models", "language_sets")
        },
        "model": whole["model"],
        "fingerprints": [manifest.data.fingerprint, manifest.features.fingerprint],
    }
    return json.dumps(settings, sort_keys=True)

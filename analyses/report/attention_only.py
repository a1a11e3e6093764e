"""What can be said by attention alone, in the tables of docs/explanations.md, without writing into the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msfl.errors import MsflError

if TYPE_CHECKING:
    import pandas as pd

    from msfl.runs import Run

METHOD = "attention"
_ROWS = 2048


def tables(run: Run, *, top: int = 10) -> dict[str, pd.DataFrame]:
    """Rank a run by its attention weights.

    Args:
        run: A run with attention weights.
        top: How many items count as the top.

    Returns:
        ``rankings/attention``, ``shared`` and ``overlaps``; empty if the weights cannot be ranked.
    """
    import pandas as pd

    from analyses.cells import collect
    from analyses.ranking_report import PREFERRED
    from analyses.ranking_tables import tables as rank
    from analyses.shared_tables import lists_of, overlap_rows, shared_rows

    manifest = run.manifest
    try:
        cells = collect(run.attention_batches(rows=_ROWS), run.utterances["emotion"])
        models = cells.values("model")
        chosen = cells.select(model=PREFERRED if PREFERRED in models else models[0])
        rankings, _ = rank(
            {"emotion": {"feature": chosen}},
            method=METHOD,
            top=top,
            feature_set=manifest.features.set,
            features=run.feature_names,
        )
    except MsflError:
        return {}
    features = rankings[rankings["level"] == "feature"]
    lists = list(lists_of(features, manifest.language_sets, top=top))
    whole = [one for one in lists if not one.place["part_kind"]]
    shared = [shared_rows(one) for one in lists]
    overlaps = [overlap_rows(one, run.feature_names, manifest.features.set) for one in whole]
    return {
        f"rankings/{METHOD}": rankings,
        "shared": pd.concat(shared, ignore_index=True) if shared else pd.DataFrame(),
        "overlaps": pd.concat(overlaps, ignore_index=True) if overlaps else pd.DataFrame(),
    }

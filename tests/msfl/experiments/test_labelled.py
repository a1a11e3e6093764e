"""Hiding a share of the training labels: the same for all models, never in the test part, said beside every number."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msfl.errors import UsageError
from msfl.labelled import hide_labels


def part(count: int = 120) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "utterance": [f"c/{number}" for number in range(count)],
            "corpus": rng.choice(["a", "b"], count),
            "emotion": rng.choice(["anger", "neutral", "sadness", None], count),
            "language": "de",
            "gender": "female",
            "arousal_level": "high",
            "valence_level": "low",
            "dominance_level": "mid",
            "levels_source": rng.choice(["mapped", "rated"], count),
        }
    )
    return table.set_index("utterance")


@given(st.floats(0.01, 0.99), st.integers(0, 5))
def test_a_share_of_every_class_of_every_corpus_stays(share: float, seed: int) -> None:
    table = part()
    shown = hide_labels(table, "emotion", share, key=str(seed))
    before, after = (frame.groupby(["corpus", "emotion"]).size() for frame in (table, shown))
    assert list(before.index) == list(after.index)
    assert (abs(after - share * before) <= 0.5 + (after == 1)).all()
    kept = shown["emotion"].notna()
    assert (shown.loc[kept, "emotion"] == table.loc[kept, "emotion"]).all()
    pd.testing.assert_frame_equal(shown[["corpus", "gender"]], table[["corpus", "gender"]])


def test_a_small_share_is_part_of_a_larger_one_and_seeds_differ() -> None:
    table = part()
    few, many, other = (
        set(hide_labels(table, "emotion", share, key=key)["emotion"].dropna().index)
        for share, key in ((0.1, "0"), (0.4, "0"), (0.1, "1"))
    )
    assert few < many
    assert few != other


def test_what_is_mapped_from_a_hidden_label_is_hidden_with_it_and_ratings_stay() -> None:
    table = part()
    shown = hide_labels(table, "emotion", 0.2, key="0")
    hidden = table["emotion"].notna() & shown["emotion"].isna()
    mapped = table["levels_source"] == "mapped"
    for column in ("arousal_level", "valence_level", "dominance_level"):
        assert shown.loc[hidden & mapped, column].isna().all()
        assert shown.loc[~(hidden & mapped), column].notna().all()


@pytest.mark.parametrize("value", ["0", "-0.1", "1.5", "true", '"few"'])
def test_a_share_that_is_none_is_refused_in_a_sentence(toy: Any, value: str) -> None:
    toy.write(extra="")
    text = toy.file.read_text().replace("[data]\n", f"[data]\nlabelled = {value}\n")
    toy.file.write_text(text)
    with pytest.raises(UsageError, match=r"data\.labelled: .*(share|hides every label)"):
        toy.experiment()


def test_models_see_the_same_labels_and_the_test_part_keeps_its_own(
    toy: Any, monkeypatch: pytest.MonkeyPatch, msfl: Callable[..., Any]
) -> None:
    from msfl.execution import train
    from msfl.models.baselines import Baseline
    from msfl.models.contract import MISSING
    from msfl.runs import open_run

    seen: dict[tuple[str, int], list[set[str]]] = {}
    fit = Baseline.fit

    def spy(self: Any, part: Any, validation: Any, *, seed: int, checkpoint: Any = None) -> Any:
        shown = set(part.utterances[part.targets["emotion"] != MISSING].tolist())
        for language in np.unique(part.language):
            mine = {name for name in shown if name.split("/")[1].startswith(str(language))}
            speakers = ",".join(sorted({one for one in part.speaker.tolist() if str(language) in one}))
            seen.setdefault((speakers, len(mine)), []).append(mine)
        return fit(self, part, validation, seed=seed, checkpoint=checkpoint)

    monkeypatch.setattr(Baseline, "fit", spy)
    toy.write()
    toy.file.write_text(toy.file.read_text().replace("[data]\n", "[data]\nlabelled = 0.5\n"))
    train(toy.experiment(), toy.out, jobs=1, progress=False)
    # per fold and language: two models, alone and with the other language
    assert len(seen) == 4
    assert all(len(sets) == 4 and all(one == sets[0] for one in sets) for sets in seen.values())
    run = open_run(toy.out)
    assert run.labelled == 0.5
    assert "labels: 50 % of the training utterances" in run.title()
    tested = run.predictions[run.predictions["task"] == "emotion"]
    assert tested["truth"].notna().all()
    assert tested["utterance"].nunique() == len(toy.table)
    shown = msfl("results", toy.out, "--json", toy.folder / "out.json")
    assert "50 % of" in " ".join(shown.output.split())
    assert json.loads((toy.folder / "out.json").read_text())["labelled"] == 0.5


def test_a_run_from_before_labels_could_be_hidden_goes_on(trained: Any, tmp_path: Any) -> None:
    from msfl.manifest import read_manifest
    from msfl.preparation import refuse_other_experiment

    known = read_manifest(trained.out)
    data = {key: value for key, value in known.experiment["data"].items() if key != "labelled"}
    old = known.model_copy(update={"experiment": {**known.experiment, "data": data}})
    refuse_other_experiment(old, trained.experiment(), tmp_path)


def test_an_unlabelled_corpus_trains_the_autoencoder_and_speakers_have_no_score(
    toy: Any, msfl: Callable[..., Any]
) -> None:
    from msfl.execution import train
    from msfl.runs import open_run

    toy.table = toy.table.assign(
        emotion=toy.table["emotion"].where(~toy.table["speaker"].isin(["de0", "it0"]))
    )
    model = "semi-supervised-aae"
    extra = f"\n[model.{model}]\nepochs = 6\nmin_steps = 0\nhidden = 8\ncode = 3\ndiscriminator_rate = 0.0\n"
    toy.write(models=f'["{model}"]', extra=f'language_sets = "all"\n{extra}')
    outcome = train(toy.experiment(), toy.out, jobs=1, progress=False)
    assert not outcome.failed
    run = open_run(toy.out)
    unlabelled = set("toy/" + toy.table.loc[toy.table["emotion"].isna(), "utterance"])
    for job in run.jobs:
        fold = run.splits[(run.splits["fold"] == job.fold) & (run.splits["part"] == "train")]
        assert job.train == len(fold)
        assert job.notes  # six epochs of a discriminator that does not learn, and a decoder that hardly does
    assert any(set(fold["utterance"]) & unlabelled for _, fold in run.splits.groupby("fold"))
    # arousal and valence are mapped from the emotion
    assert set(run.predictions["task"]) == {"emotion", "arousal", "valence", "gender"}
    assert set(run.scores["task"]) == set(run.predictions["task"])
    shown = msfl("results", toy.out)
    assert shown.exit_code == 0
    assert f"Note: {model}, " in shown.output

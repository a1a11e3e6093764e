"""The audit finds the known faults of real corpora by itself."""

import pytest

from msfl import corpora as readers
from msfl.audit import audit

pytestmark = pytest.mark.real


def test_urdu_speaker_and_emotion_are_confounded(corpora):
    found = audit(readers.load(f"urdu={corpora / 'urdu'}"), progress=False)
    finding = next(f for f in found.findings if f.topic == "speaker")
    assert finding.level == "serious"
    assert finding.sentence.startswith("Speaker and emotion are confounded: 26 of 29 speakers occur with one")
    assert "make up 234 of 400 recordings" in finding.sentence
    assert "random split" in finding.consequence
    assert "use `train` normalisation" in finding.consequence
    row = found.confounds.set_index(["corpus", "first", "second"]).loc[("urdu", "speaker", "emotion")]
    assert row["strength"] == "strong"


def test_ravdess_duplicate_and_quiet_recordings(corpora):
    # the actors with a duplicate or very quiet recordings, and two others: all 1440 would take ten seconds
    table = readers.load(f"ravdess={corpora / 'ravdess'}")
    actors = [f"ravdess/{actor}" for actor in ("01", "05", "07", "09", "14", "20")]
    found = audit(table[table["speaker"].isin(actors)], progress=False)
    doubled = found.duplicates
    assert sorted(doubled["utterance"]) == ["ravdess/03-01-03-01-02-01-07", "ravdess/03-01-03-01-02-02-07"]
    assert not doubled["different_emotions"].any()
    quiet = found.faults[found.faults["fault"] == "very quiet"]
    assert len(quiet) == 12
    assert not found.confounds.loc[found.confounds["first"] == "speaker", "strength"].eq("strong").any()

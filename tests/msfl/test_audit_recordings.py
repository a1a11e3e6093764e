"""What is measured of a recording, and the command, on generated sound."""

import math

import numpy as np
import pandas as pd
import pytest
import soundfile
from click.testing import CliRunner

from msfl.audit import Audit, measure, with_formats
from msfl.audit.recordings import DTYPES, flattened, measure_file, speech_level
from msfl.commands.scan import scan
from msfl.corpora.table import validate

RATE = 16000


def tone(seconds=1.0, amplitude=0.5, pitch=220.0, rate=RATE):
    return amplitude * np.sin(2 * np.pi * pitch * np.arange(int(seconds * rate)) / rate)


def table_of(folder, names):
    return validate(
        pd.DataFrame(
            {
                "utterance": [f"t/{name.partition('.')[0]}" for name in names],
                "file": [str(folder / name) for name in names],
                "corpus": "t",
                "language": "de",
            }
        )
    )


def test_level_ignores_silence_around_and_a_click():
    speech = tone(2.0, 0.1)
    plain = speech_level(speech.astype(np.float32))
    assert plain == pytest.approx(20 * math.log10(0.1 / math.sqrt(2)), abs=0.05)
    padded = np.concatenate([np.zeros(RATE), speech, np.zeros(RATE)])
    padded[100] = 1.0
    assert speech_level(padded.astype(np.float32)) == pytest.approx(plain, abs=0.1)
    assert speech_level(np.zeros(RATE, np.float32)) == -math.inf
    assert math.isfinite(speech_level(np.full(10, 0.1, np.float32)))  # shorter than a frame


def test_only_flattened_peaks_count_as_clipped():
    full = np.round(np.clip(tone(1.0, 2.0), -1, 32767 / 32768) * 32768) / 32768
    normalised = tone(1.0, 32767 / 32768)
    assert flattened(full.astype(np.float32)) == np.sum((full == full.max()) | (full == -1))
    assert flattened(normalised.astype(np.float32)) == 0
    assert flattened(np.full(100, 0.5, np.float32)) == 0  # constant, but not at full scale
    assert flattened(np.array([1, 1], np.float32)) == 0


@pytest.mark.parametrize("rate", [16000, 44100])
def test_clipping_is_measured_before_resampling(tmp_path, rate):
    soundfile.write(tmp_path / "c.wav", tone(1.0, 1.3, rate=rate).clip(-1, 1), rate, subtype="PCM_16")
    assert measure_file(str(tmp_path / "c.wav"))["clipped"] > 0.3


def test_clipping_of_one_channel_is_seen(tmp_path):
    loud, none = tone(1.0, 1.5).clip(-1, 1), np.zeros(RATE)
    soundfile.write(tmp_path / "c.wav", np.stack([none, loud], axis=1), RATE, subtype="PCM_16")
    assert measure_file(str(tmp_path / "c.wav"))["clipped"] > 0.2


def test_measure_keeps_the_order_and_makes_faults_rows(tmp_path):
    samples = (tone(1.0) * 32767).astype(np.int16)
    soundfile.write(tmp_path / "a.wav", samples, RATE)
    soundfile.write(tmp_path / "b.flac", tone(1.0, rate=44100), 44100)
    soundfile.write(tmp_path / "copy.flac", samples, RATE)
    (tmp_path / "empty.wav").touch()
    (tmp_path / "text.wav").write_text("no sound")
    names = ["text.wav", "b.flac", "missing.wav", "a.wav", "empty.wav", "copy.flac"]
    table = table_of(tmp_path, names)
    found = measure(table, progress=False)
    assert list(found.index) == list(table.index)
    assert found["problem"].isna().tolist() == [False, True, False, True, False, True]
    assert found.loc["t/a", "hash"] == found.loc["t/copy", "hash"]  # whatever the container
    assert found.loc["t/b", "sampling_rate"] == 44100
    filled = with_formats(table, found)
    assert filled.loc["t/b", ["sampling_rate", "channels", "encoding"]].tolist() == [44100, 1, "FLAC/PCM_16"]
    assert filled["duration"].isna().tolist() == [True, False, True, False, True, False]


def test_measurements_do_not_depend_on_the_number_of_jobs(tmp_path):
    names = [f"{i}.wav" for i in range(8)]
    for i, name in enumerate(names):
        soundfile.write(tmp_path / name, tone(0.3, pitch=100 + 20 * i), RATE)
    table = table_of(tmp_path, names)
    one, three = (measure(table, jobs=jobs, progress=False) for jobs in (1, 3))
    pd.testing.assert_frame_equal(one, three)


def test_repeating_measures_only_what_changed(tmp_path, monkeypatch):
    names = ["a.wav", "b.wav"]
    for name in names:
        soundfile.write(tmp_path / name, tone(0.3), RATE)
    table, saved = table_of(tmp_path, names), tmp_path / "saved.parquet"
    first = measure(table, progress=False, saved=saved)
    seen = []

    def spy(file):
        seen.append(file)
        return measure_file(file)

    monkeypatch.setattr("msfl.audit.recordings.measure_file", spy)
    pd.testing.assert_frame_equal(measure(table, progress=False, saved=saved), first)
    assert seen == []
    soundfile.write(tmp_path / "b.wav", tone(0.4), RATE)
    again = measure(table, progress=False, saved=saved)
    assert seen == [str(tmp_path / "b.wav")]
    assert again.loc["t/b", "duration"] == pytest.approx(0.4)


def test_an_interruption_keeps_what_was_measured(tmp_path, monkeypatch):
    names = [f"{i}.wav" for i in range(6)]
    for name in names:
        soundfile.write(tmp_path / name, tone(0.3), RATE)

    def stop_at_the_fourth(file):
        if file.endswith("3.wav"):
            raise KeyboardInterrupt
        return measure_file(file)

    monkeypatch.setattr("msfl.audit.recordings.measure_file", stop_at_the_fourth)
    saved = tmp_path / "saved.parquet"
    with pytest.raises(KeyboardInterrupt):
        measure(table_of(tmp_path, names), jobs=1, progress=False, saved=saved)
    assert len(pd.read_parquet(saved)) == 3


def test_an_interruption_of_the_last_write_keeps_what_was_measured(tmp_path, monkeypatch):
    soundfile.write(tmp_path / "a.wav", tone(0.3), RATE)
    calls = []

    def interrupted_once(file, frame):
        calls.append(file)
        if len(calls) == 1:
            raise KeyboardInterrupt
        frame.to_parquet(file)

    monkeypatch.setattr("msfl.audit.recordings.write_parquet", interrupted_once)
    with pytest.raises(KeyboardInterrupt):
        measure(table_of(tmp_path, ["a.wav"]), progress=False, saved=tmp_path / "saved.parquet")
    assert len(pd.read_parquet(tmp_path / "saved.parquet")) == 1


def test_a_foreign_file_in_place_of_the_measurements_is_measured_over(tmp_path):
    soundfile.write(tmp_path / "a.wav", tone(0.3), RATE)
    saved = tmp_path / "saved.parquet"
    saved.write_text("not parquet")
    found = measure(table_of(tmp_path, ["a.wav"]), progress=False, saved=saved)
    assert found["problem"].isna().all()
    assert list(pd.read_parquet(saved).columns) == list(DTYPES)


def write_manifest(folder):
    rows = []
    for speaker in range(4):
        for place, emotion in enumerate(("anger", "sadness")):
            name = f"s{speaker}-{emotion}.wav"
            soundfile.write(folder / name, tone(0.5, pitch=100 + 30 * speaker + 7 * place), RATE)
            rows.append({"file": name, "language": "de", "speaker": f"s{speaker}", "emotion": emotion})
    return rows


def scanned(folder, rows):
    pd.DataFrame(rows).to_csv(folder / "m.csv", index=False)
    arguments = [f"manifest={folder / 'm.csv'}", "-o", str(folder / "out"), "--quiet"]
    return CliRunner().invoke(scan, arguments, standalone_mode=False, env={"COLUMNS": "100"})


def test_the_command_writes_table_and_audit(tmp_path):
    pytest.importorskip("msfl.corpora.manifest")
    result = scanned(tmp_path, write_manifest(tmp_path))
    assert result.exception is None
    assert result.return_value == 0
    table = pd.read_parquet(tmp_path / "out" / "utterances.parquet")
    assert len(table) == 8
    assert table["sampling_rate"].eq(RATE).all()
    assert len(pd.read_csv(tmp_path / "out" / "utterances.csv", index_col="utterance")) == 8
    assert Audit.from_json((tmp_path / "out" / "audit.json").read_text("utf-8")).unreadable == 0
    assert "Which labels go together?" in result.output
    assert f"msfl init experiment.toml --corpus manifest={tmp_path / 'm.csv'}" in result.output


def test_the_command_reports_unreadable_files_after_writing_everything(tmp_path):
    pytest.importorskip("msfl.corpora.manifest")
    rows = write_manifest(tmp_path)
    (tmp_path / "s0-anger.wav").write_bytes(b"")
    (tmp_path / "s1-anger.wav").write_text("no [sound]")
    result = scanned(tmp_path, rows)
    assert result.exception is None
    assert result.return_value == 1
    assert "2 recordings cannot be read" in result.output
    found = Audit.from_json((tmp_path / "out" / "audit.json").read_text("utf-8"))
    assert list(found.faults["fault"]) == ["unreadable", "unreadable"]
    assert len(pd.read_parquet(tmp_path / "out" / "utterances.parquet")) == 8
    assert "Traceback" not in result.output


def test_all_files_unreadable_still_gives_an_audit(tmp_path):
    pytest.importorskip("msfl.corpora.manifest")
    rows = write_manifest(tmp_path)
    for row in rows:
        (tmp_path / row["file"]).write_bytes(b"")
    result = scanned(tmp_path, rows)
    assert result.exception is None
    assert result.return_value == 1
    assert "8 recordings cannot be read" in result.output

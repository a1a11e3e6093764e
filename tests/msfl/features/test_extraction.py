"""The feature table: same values for any number of threads, nothing lost, nothing done twice."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from numpy.typing import NDArray

from msfl import file_pool
from msfl.commands.extract import extract as command
from msfl.errors import DataError, UsageError
from msfl.features import extraction
from msfl.features.cache import Cache, Entry, default_folder, file_key
from msfl.features.export import extract_to_file
from msfl.features.extraction import Outcome, extract, extract_into, stream
from msfl.features.sets import feature_names

SET = "eGeMAPSv02"


def entries(cache: Path) -> list[Path]:
    return sorted(path for path in cache.rglob("*") if path.is_file())


def test_table_order_names_types_and_hashes(recordings: pd.DataFrame, tmp_path: Path) -> None:
    table = recordings.iloc[[3, 0, 5, 1]]
    result = extract(table, SET, cache=tmp_path, progress=False)
    assert result.features.index.equals(table.index)
    assert result.features.index.name == "utterance"
    assert tuple(result.features.columns) == feature_names(SET)
    assert set(result.features.dtypes) == {np.dtype("float32")}
    assert result.hashes.index.equals(table.index)
    assert result.hashes.nunique() == 4
    assert list(result.failures.columns) == ["utterance", "file", "reason"]
    # each row belongs to its utterance: the recordings differ by pitch only, which rises with their number
    pitch = result.features["F0semitoneFrom27.5Hz_sma3nz_amean"].sort_values()
    assert list(pitch.index) == ["made/u0", "made/u1", "made/u3", "made/u5"]


def test_bit_identical_for_any_number_of_jobs(recordings: pd.DataFrame, tmp_path: Path) -> None:
    results = [
        extract(recordings, "IS09", cache=tmp_path / str(n), jobs=n, progress=False) for n in (1, 2, 3)
    ]
    for other in results[1:]:
        np.testing.assert_array_equal(results[0].features, other.features)
    assert len({result.fingerprint for result in results}) == 1


def test_second_run_extracts_nothing_and_gives_the_same(recordings: pd.DataFrame, tmp_path: Path) -> None:
    first = extract(recordings, SET, cache=tmp_path, progress=False)
    second = extract(recordings, SET, cache=tmp_path, progress=False)
    assert (first.extracted, first.cached) == (6, 0)
    assert (second.extracted, second.cached) == (0, 6)
    pd.testing.assert_frame_equal(first.features, second.features)
    pd.testing.assert_series_equal(first.hashes, second.hashes)
    assert first.fingerprint == second.fingerprint


def test_fingerprint_knows_ids_and_values(recordings: pd.DataFrame, tmp_path: Path) -> None:
    prints = {
        extract(table, SET, cache=tmp_path, progress=False).fingerprint
        for table in (
            recordings,
            recordings.iloc[::-1],
            recordings.iloc[:5],
            recordings.rename(index={"made/u0": "x"}),
        )
    }
    assert len(prints) == 4


def test_moved_and_copied_recordings_come_from_the_cache(recordings: pd.DataFrame, tmp_path: Path) -> None:
    extract(recordings, SET, cache=tmp_path / "cache", progress=False)
    copy = tmp_path / "copy.wav"
    copy.write_bytes(Path(recordings["file"].iloc[2]).read_bytes())
    table = pd.concat([recordings, recordings.iloc[[2]].rename(index={"made/u2": "made/copy"})])
    table.loc["made/copy", "file"] = str(copy)
    result = extract(table, SET, cache=tmp_path / "cache", progress=False)
    assert (result.extracted, result.cached) == (0, 7)
    assert result.hashes["made/copy"] == result.hashes["made/u2"]


@pytest.mark.parametrize("damage", ["truncated", "bit flipped", "empty", "another set"])
def test_damaged_entry_is_extracted_anew(recordings: pd.DataFrame, tmp_path: Path, damage: str) -> None:
    before = extract(recordings, SET, cache=tmp_path, progress=False)
    entry = next(path for path in entries(tmp_path) if path.suffix == ".fv")
    content = bytearray(entry.read_bytes())
    if damage == "truncated":
        content = content[:-40]
    elif damage == "bit flipped":
        content[60] ^= 1
    elif damage == "empty":
        content = bytearray()
    else:
        content = content + content
    entry.write_bytes(content)
    after = extract(recordings, SET, cache=tmp_path, progress=False)
    assert (after.extracted, after.cached) == (1, 5)
    assert after.fingerprint == before.fingerprint
    assert extract(recordings, SET, cache=tmp_path, progress=False).extracted == 0


def test_key_changes_with_version_and_audio_options(
    recordings: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    from msfl import audio
    from msfl.features import cache

    file = Path(recordings["file"].iloc[0])
    keys = [file_key(file, "IS09"), file_key(file, "IS10")]
    assert file_key(file, "GeMAPS") == file_key(file, "GeMAPSv01a")  # two names of one configuration
    monkeypatch.setattr(audio, "OPTIONS", "another door")
    cache._versions.cache_clear()
    keys.append(file_key(file, "IS10"))
    monkeypatch.setattr(cache, "opensmile_version", lambda: "99.0")
    cache._versions.cache_clear()
    keys.append(file_key(file, "IS10"))
    cache._versions.cache_clear()
    assert len(set(keys)) == 4


def test_default_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MSFL_CACHE", "/somewhere")
    monkeypatch.setenv("XDG_CACHE_HOME", "/shared")
    monkeypatch.setenv("HOME", "/home/someone")
    assert default_folder() == Path("/somewhere")
    monkeypatch.delenv("MSFL_CACHE")
    assert default_folder() == Path("/shared/msfl")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert default_folder() == Path("/home/someone/.cache/msfl")


def test_ctrl_c_between_files_keeps_what_was_finished(recordings: pd.DataFrame, tmp_path: Path) -> None:
    seen: list[str] = []

    def stop_after_three(utterance: str, values: NDArray[np.float32]) -> None:
        seen.append(utterance)
        if len(seen) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        extract_into(stop_after_three, recordings, SET, cache=tmp_path / "a", jobs=1, progress=False)
    again = extract(recordings, SET, cache=tmp_path / "a", progress=False)
    assert again.cached >= 3
    assert again.extracted + again.cached == 6
    assert again.fingerprint == extract(recordings, SET, cache=tmp_path / "b", progress=False).fingerprint


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL])
def test_killed_process_continues(
    tmp_path: Path, voice: Callable[..., NDArray[np.float64]], sent: signal.Signals
) -> None:
    rows = []
    for number in range(60):
        file = tmp_path / f"{number}.wav"
        soundfile.write(file, voice(80 + 3 * number), 16000)
        rows.append((f"made/{number}", str(file)))
    table = pd.DataFrame(rows, columns=["utterance", "file"]).set_index("utterance")
    table.to_csv(tmp_path / "table.csv")
    code = (
        "import sys, pandas as pd; from msfl.features.extraction import extract\n"
        f"extract(pd.read_csv(sys.argv[1], index_col=0), {SET!r}, cache=sys.argv[2], jobs=2, progress=False)"
    )
    cache = tmp_path / "cache"
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "table.csv"), str(cache)], stderr=subprocess.PIPE
    )
    while process.poll() is None and len(entries(cache)) < 6:
        time.sleep(0.01)
    process.send_signal(sent)
    process.communicate(timeout=60)
    assert process.returncode != 0, "it had finished before the signal"
    result = extract(table, SET, cache=cache, progress=False)
    assert result.cached >= 5
    assert result.extracted > 0
    assert result.extracted + result.cached == 60
    assert extract(table, SET, cache=cache, progress=False).fingerprint == result.fingerprint


def test_full_disk_loses_no_entry(
    recordings: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Path.write_bytes
    written: list[Path] = []

    def full_after_three(self: Path, data: bytes) -> int:
        if len(written) == 3:
            write(self, data[:100])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self))
        written.append(self)
        return write(self, data)

    cache, target = tmp_path / "cache", tmp_path / "features.parquet"
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full_after_three)
        with pytest.raises(OSError, match="No space left"):
            extract_to_file(recordings, target, SET, cache=cache, jobs=2, progress=False)
    assert not target.exists()
    assert [path.suffix for path in entries(cache)] == [".fv"] * 3  # no half-written file either
    assert extract(recordings, SET, cache=cache, progress=False).cached == 3


def test_the_number_of_files_in_flight_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = 0

    def endless() -> Iterator[str]:
        nonlocal taken
        while True:
            taken += 1
            yield str(taken)

    outcomes = file_pool.in_order(lambda file: Outcome(None, reason=file), endless(), 2)
    for number in range(1, 500):
        assert next(outcomes).reason == str(number)
        assert taken - number <= 2 * file_pool._WINDOW
    outcomes.close()


def test_a_missing_file_name_is_a_failure(recordings: pd.DataFrame, tmp_path: Path) -> None:
    recordings.loc["made/u1", "file"] = pd.NA
    result = extract(recordings, SET, cache=tmp_path, progress=False)
    assert list(result.failures["utterance"]) == ["made/u1"]
    assert "names no file" in result.failures["reason"][0]


def test_all_failed_gives_an_empty_table(recordings: pd.DataFrame, tmp_path: Path) -> None:
    recordings["file"] = "nowhere.wav"
    result = extract(recordings, SET, cache=tmp_path, progress=False)
    assert result.features.shape == (0, 88)
    assert len(result.failures) == 6
    assert (result.extracted, result.cached, len(result.hashes)) == (0, 0, 0)


def test_openSMILE_giving_up_is_a_failure(  # noqa: N802
    recordings: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        def __call__(self, signal: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
            if Broken.calls == 0:
                Broken.calls += 1
                raise RuntimeError("out of luck")
            return np.full((1, 88, 1), np.nan, dtype=np.float32)

        calls = 0

    monkeypatch.setattr(extraction, "smile", lambda name: Broken())
    result = extract(recordings, SET, cache=tmp_path, jobs=1, progress=False)
    assert "out of luck" in result.failures["reason"][0]
    assert result.failures["reason"][1:].str.contains("no value for 88 of 88 features").all()
    assert not entries(tmp_path / "features")


@pytest.mark.parametrize("jobs", [0, -1])
def test_nonsense_jobs_are_refused(recordings: pd.DataFrame, jobs: int) -> None:
    with pytest.raises(UsageError, match="1 or more"):
        stream(recordings["file"], SET, jobs=jobs)


def test_entry_round_trip_is_exact(tmp_path: Path) -> None:
    cache = Cache(tmp_path, SET)
    entry = Entry(np.random.default_rng(0).normal(size=88).astype(np.float32), "ab" * 32)
    assert cache.get("00" * 32) is None
    cache.put("00" * 32, entry)
    found = cache.get("00" * 32)
    assert found is not None
    np.testing.assert_array_equal(found.values, entry.values)
    assert found.sound_hash == entry.sound_hash


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_files_hold_the_table_bit_for_bit(
    recordings: pd.DataFrame, tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("msfl.features.export._BATCH", 4)  # six recordings: a full batch and a rest
    expected = extract(recordings, SET, cache=tmp_path, progress=False)
    file = tmp_path / f"features{suffix}"
    summary = extract_to_file(recordings, file, SET, cache=tmp_path, progress=False)
    found = pd.read_parquet(file) if suffix == ".parquet" else pd.read_csv(file, index_col="utterance")
    assert found.index.name == "utterance"
    assert list(found.index) == list(expected.features.index)
    assert list(found.columns) == list(expected.features.columns)
    np.testing.assert_array_equal(found.to_numpy(dtype=np.float32), expected.features)
    assert summary.fingerprint == expected.fingerprint


@pytest.fixture
def run(recordings: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    monkeypatch.setattr("msfl.corpora.load_all", lambda specs: recordings)

    def call(*arguments: str) -> int:
        options = ["made=here", "--features", SET, "--cache", str(tmp_path / "cache"), "--quiet", *arguments]
        code: int = command.main(options, standalone_mode=False)
        return code

    return call


def test_command_tells_what_it_did(
    run: Callable[..., int], recordings: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target, report = tmp_path / "out" / "f.parquet", tmp_path / "out" / "f.failures.csv"
    broken = Path(recordings["file"].iloc[1])
    whole = broken.read_bytes()
    broken.write_bytes(whole[:50])
    assert run("-o", str(target)) == 1
    assert "5 extracted, 0 from the cache, 1 failed" in capsys.readouterr().out
    assert list(pd.read_csv(report)["utterance"]) == ["made/u1"]
    assert len(pd.read_parquet(target)) == 5
    broken.write_bytes(whole)
    assert run("-o", str(target)) == 0
    assert "1 extracted, 5 from the cache, 0 failed" in capsys.readouterr().out
    assert not report.exists()
    assert len(pd.read_parquet(target)) == 6


def test_command_refuses_before_it_works(run: Callable[..., int], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\.parquet or \.csv"):
        run("-o", str(tmp_path / "features.xlsx"))
    with pytest.raises(UsageError, match="Did you mean 'IS10'"):
        run("-o", str(tmp_path / "f.csv"), "--features", "is10")
    assert not (tmp_path / "cache").exists()


def test_folders_that_cannot_be_made(
    run: Callable[..., int], recordings: pd.DataFrame, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="Set MSFL_CACHE to a folder"):
        extract(recordings, SET, cache=tmp_path / "file", progress=False)
    with pytest.raises(DataError, match="cannot be made"):
        run("-o", str(tmp_path / "file" / "features.csv"))

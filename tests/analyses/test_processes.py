"""Worker processes: in order or not, one thread each, and none of them outlives its owner."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from analyses.processes import in_processes

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
import os, sys, time
from pathlib import Path
from analyses.processes import in_processes

def work(number):
    folder = Path(os.environ["WORK"])
    (folder / f"{number}-{os.getpid()}").touch()
    for _ in range(1200):
        time.sleep(0.05)
        (folder / f"{number}-{os.getpid()}").touch()

list(in_processes(work, range(4), workers=2))
"""


def test_results_come_in_the_order_of_the_items_or_all_of_them_anyhow() -> None:
    def square(number: int) -> int:  # inside, so that it travels by value: workers cannot import a test
        time.sleep(0.05 * (number == 0))
        return number * number

    assert list(in_processes(square, range(6), workers=1)) == [0, 1, 4, 9, 16, 25]
    assert list(in_processes(square, range(6), workers=2)) == [0, 1, 4, 9, 16, 25]
    assert sorted(in_processes(square, range(6), workers=2, ordered=False)) == [0, 1, 4, 9, 16, 25]
    assert list(in_processes(square, [], workers=2)) == []


def is_alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"  # nobody may be there to take note of its end


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc")
@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_workers_end_with_their_owner(tmp_path: Path, sent: signal.Signals) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "WORK": str(tmp_path)}
    owner = subprocess.Popen(
        [sys.executable, "-c", SCRIPT], env=environment, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        deadline = time.monotonic() + 30
        while len(list(tmp_path.iterdir())) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        workers = [int(file.name.partition("-")[2]) for file in tmp_path.iterdir()]
        assert len(workers) == 2
        assert all(map(is_alive, workers))
        owner.send_signal(sent)
        owner.wait(timeout=10)  # at once, and not when the tasks are done, after a minute
        deadline = time.monotonic() + 5
        while any(map(is_alive, workers)) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not any(map(is_alive, workers))
    finally:
        owner.kill()
        owner.wait()


@pytest.mark.parametrize(("name", "ends"), [("LokyProcess-1", True), ("a worker of a cluster", False)])
def test_a_worker_whose_owner_has_gone_begins_nothing(name: str, ends: bool) -> None:
    script = (
        "import multiprocessing, os; from msfl.processes import end_with\n"
        f"multiprocessing.current_process().name = {name!r}\n"
        "end_with(os.getppid() + 1); print('begun')"
    )
    found = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert ("begun" not in found.stdout) == ends

"""How fast the dashboard is: the first page in a browser, and every interaction through the real HTTP server.

    python benchmarks/dashboard.py [RUN] [--generated study largest] [--explainerdashboard PYTHON] [--markdown]

RUN is a run folder; the generated runs hold random numbers (benchmarks/dashboard_runs.py) and are made in a temporary
folder. For every page the views that a reader would go through are asked for, one after another, with the parts of each
asked for at the same time, as a browser does. Printed are p50, p95 and maximum of the time to an answer ("wall"), and
of the computing behind it ("cpu"), which other load on the machine does not change; the largest answer, gzipped; and
the time until the first page can be used in a headless Chromium, just after the server said that it is there (cold) and
again (warm).
"""

from __future__ import annotations

import argparse
import gzip
import http.client
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[0] = str(ROOT)  # this script has the name of the package that it measures
PARALLEL = 6
"""Questions at a time, as a browser asks them of one server."""
ROUTE = (
    "..bar.children...navigation.children...controls.children...notices.children...page.children"
    "...state.data...words.data.."
)
SERVER = """
import sys, time
from pathlib import Path
from flask import g
from dashboard.app import create_app, warm_up
from dashboard.data import Data, keyed
from dashboard.pages import close_pages
from dashboard.serving import serve
from msfl.runs import open_run
if __name__ == "__main__":
    data = Data(keyed([open_run(Path(sys.argv[1]))]))
    app = create_app(data)
    @app.server.before_request
    def start(): g.start = time.thread_time()
    @app.server.after_request
    def stop(answer):
        answer.headers["Server-Timing"] = f"cpu;dur={1000 * (time.thread_time() - g.start):.2f}"
        return answer
    app.server.after_request_funcs[None].insert(0, app.server.after_request_funcs[None].pop())  # runs last
    if sys.argv[3] == "warm": warm_up(app, data)
    try:
        serve(app.server, "127.0.0.1", int(sys.argv[2]), browser=False, say=lambda text: print(text, flush=True))
    finally:
        close_pages(data)
"""


@dataclass
class Measured:
    """Times of the answers of one page, in milliseconds, and their sizes in bytes."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)
    """Until the last part of a view was there."""
    sizes: list[int] = field(default_factory=list)


class Reader:
    """Asks a dashboard as a browser does."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.pool = ThreadPoolExecutor(PARALLEL)
        self.callbacks = {item["output"]: item for item in self._get("/_dash-dependencies")}

    def _get(self, path: str) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        connection.request("GET", path)
        found = json.loads(connection.getresponse().read())
        connection.close()
        return found

    def ask(self, body: dict[str, Any], into: Measured) -> Any:
        """Send one question; returns the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        connection.connect()
        headers = {"Content-Type": "application/json", "Accept-Encoding": "gzip"}
        said = json.dumps(body)
        start = time.perf_counter()
        connection.request("POST", "/_dash-update-component", said, headers)
        answer = connection.getresponse()
        content = answer.read()
        into.wall.append(1000 * (time.perf_counter() - start))
        into.cpu.append(float(re.findall(r"dur=([\d.]+)", answer.headers["Server-Timing"])[0]))
        into.sizes.append(len(content))
        connection.close()
        if answer.status not in (200, 204):
            raise SystemExit(f"{answer.status} for {said[:300]}")
        packed = answer.headers.get("Content-Encoding") == "gzip"
        return json.loads(gzip.decompress(content) if packed else content) if answer.status == 200 else None

    def view(self, page: str, into: Measured, **choices: str) -> dict[str, Any]:
        """Ask for a view and all that comes after it; returns what the router said."""
        start = time.perf_counter()
        query = "?" + urlencode(choices)
        names = [name.split(".") for name in ROUTE.strip(".").split("...")]
        routed: dict[str, Any] = self.ask(
            {
                "output": ROUTE,
                "outputs": [{"id": one, "property": what} for one, what in names],
                "inputs": [
                    {"id": "url", "property": "pathname", "value": f"/{page}"},
                    {"id": "url", "property": "search", "value": query},
                ],
                "changedPropIds": ["url.pathname"],
            },
            into,
        )["response"]
        text = json.dumps(routed["page"])
        if "could not be made" in text or "cannot be shown" in text:
            raise SystemExit(f"/{page}{query} failed; the server said why.")
        state = routed["state"]["data"]
        places = [
            one
            for one in ids_in(routed["page"]["children"])
            if isinstance(one, dict) and one.get("type") == "later"
        ]
        list(self.pool.map(lambda place: self.part(place, state, into), places))
        into.whole.append(1000 * (time.perf_counter() - start))
        return routed

    def part(self, place: dict[str, str], state: dict[str, str], into: Measured) -> Any:
        """Ask for a part of a page."""
        wild = json.dumps({"page": ["MATCH"], "part": ["MATCH"], "type": "later"}, separators=(",", ":"))
        answer = self.ask(
            {
                "output": f"{wild}.children",
                "outputs": {"id": place, "property": "children"},
                "inputs": [{"id": place, "property": "id", "value": place}],
                "state": [{"id": "state", "property": "data", "value": state}],
                "changedPropIds": [],
            },
            into,
        )
        if "could not be made" in json.dumps(answer):
            raise SystemExit(f"{place} failed; the server said why.")
        return answer

    def search(self, words: str, state: dict[str, str], into: Measured) -> None:
        """Search for a feature in words."""
        self.ask(
            {
                "output": "feature-found.children",
                "outputs": {"id": "feature-found", "property": "children"},
                "inputs": [{"id": "feature-search", "property": "value", "value": words}],
                "state": [{"id": "state", "property": "data", "value": state}],
                "changedPropIds": ["feature-search.value"],
            },
            into,
        )


def ids_in(component: Any) -> Iterator[Any]:
    """Yield the ids of the components in an answer."""
    if isinstance(component, list):
        for one in component:
            yield from ids_in(one)
    elif isinstance(component, dict):
        props = component.get("props", {})
        if "id" in props:
            yield props["id"]
        for value in props.values():
            yield from ids_in(value)


def walk(reader: Reader, run: Any) -> dict[str, Measured]:
    """Go through all pages as a reader would; returns page -> what was measured."""
    sets = list(run.manifest.language_sets)
    names = run.feature_names
    emotions = sorted(run.utterances["emotion"].dropna().unique())[:3]
    ids = [str(name) for name in run.utterances.index[:: max(1, len(run.utterances) // 8)]][:8]
    models = list(dict.fromkeys(job.model for job in run.jobs if job.status == "done"))
    folder = run.path / "explanations" / "rankings"
    methods = sorted(file.stem for file in folder.glob("*.parquet"))
    levels = ("contour", "functional", "family", "feature")
    chosen = [{"set": one} for one in sets[:4]]
    found = {
        name: Measured()
        for name in ("overview", "shared", "feature", "utterance", "compare", "trust", "try_it")
    }

    def views(page: str, choices: list[dict[str, str]]) -> Any:
        said = [reader.view(page, found[page], **one) for one in choices]
        return said[-1]["state"]["data"]

    views("overview", [{}, *chosen, *({"model": one} for one in models[:3]), {"task": "language"}, {}])
    by_emotion = [{"emotion": one} for one in emotions]
    views(
        "shared",
        [
            {},
            *chosen,
            *by_emotion,
            *({"level": one} for one in levels),
            *({"method": one} for one in methods),
        ],
    )
    views("shared", [{"search": "pitch slope"}, {"view": "more"}])
    features = [names[place] for place in np.linspace(0, len(names) - 1, 8).astype(int)]
    state = views("feature", [{"feature": one} for one in features])
    views(
        "feature",
        [{"feature": features[1], "view": "speaker"}, {"feature": features[1], "emotion": emotions[0]}],
    )
    for words in ("pitch slope", "mfcc", "quartile", "loudness range"):
        reader.search(words, state, found["feature"])
    views("utterance", [{"utterance": one} for one in ids])
    views("utterance", [{"view": "wrong"}, {"language": sets[0]}, {"emotion": emotions[0]}, {"set": sets[0]}])
    other = [{"set2": one} for one in sets[:3]] + [{"method2": one} for one in methods] + by_emotion
    views("compare", [*other, *({"level": one} for one in levels)])
    views("trust", [{}, *chosen, *({"level": one} for one in levels), *({"method": one} for one in methods)])
    views("try_it", [{}, {"set": sets[0]}])
    return found


@contextmanager
def served(folder: Path, port: int, warm: bool = True) -> Iterator[float]:
    """Serve a run in a process of its own; yields the seconds until it said that it is there."""
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as place:
        script = (
            Path(place) / "serve_for_benchmark.py"
        )  # a file, because the process for sound starts from it
        script.write_text(SERVER, encoding="utf-8")
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, str(script), str(folder), str(port), "warm" if warm else "cold"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True)
        try:
            assert process.stdout is not None
            if not process.stdout.readline():
                raise SystemExit("The server did not start.")
            yield time.perf_counter() - start
        finally:
            process.terminate()
            process.wait(20)


def first_pages(address: str, ready: str, again: int = 5) -> tuple[float, list[float]]:
    """Return the seconds until the first page can be used in Chromium, cold, and warm several times.

    Args:
        address: The page.
        ready: JavaScript that is true once the page can be used.
        again: How often it is opened again, in the same browser.
    """
    import shutil

    from playwright.sync_api import sync_playwright

    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    found = next((path for name in names if (path := shutil.which(name))), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        times = []
        for _ in range(1 + again):
            page = context.new_page()
            start = time.perf_counter()
            page.goto(address, wait_until="commit")
            page.wait_for_function(ready, polling=15, timeout=120_000)
            times.append(time.perf_counter() - start)
            page.close()
        browser.close()
    return times[0], times[1:]


USABLE = "() => document.querySelector('h1') && document.querySelectorAll('.page-tab').length > 1"
DRAWN = f"() => ({USABLE})() && document.querySelector('.js-plotly-plot .main-svg')"


def measure(folder: Path, port: int) -> dict[str, Any]:
    """Measure the dashboard on one run; prints a table and returns what the README says of it."""
    from benchmarks.dashboard_runs import describe
    from msfl.runs import open_run

    print(f"\n## {folder.name}: {describe(folder)}", flush=True)
    shown: dict[str, Any] = {"run": describe(folder)}
    with served(folder, port) as start:
        cold, warm = first_pages(f"http://127.0.0.1:{port}/", USABLE)
        shown |= {"server": start, "cold": cold, "warm": float(np.median(warm))}
    with served(folder, port + 1):
        cold, warm = first_pages(f"http://127.0.0.1:{port + 1}/", DRAWN)
        shown |= {"cold_drawn": cold, "warm_drawn": float(np.median(warm))}
    print(f"the server is there after {start:.2f} s")
    print(f"first page usable: {shown['cold']:.2f} s cold, {shown['warm']:.2f} s warm;", end=" ")
    print(
        f"its first figure drawn: {shown['cold_drawn']:.2f} s cold, {shown['warm_drawn']:.2f} s warm",
        flush=True,
    )
    with served(folder, port + 2):
        time.sleep(10)  # until all pages were made once, see dashboard.app.warm_up
        found = walk(Reader(port + 2), open_run(folder))
    print(
        f"{'page':10} {'answers':>7} {'wall p50':>9} {'p95':>6} {'max':>6} {'cpu p50':>9} {'p95':>6} {'max':>6}",
        end="",
    )
    print(f" {'view p50':>9} {'p95':>6} {'largest':>9}")
    every = Measured()
    for name, one in found.items():
        print_row(name, one)
        for kind in ("wall", "cpu", "whole", "sizes"):
            getattr(every, kind).extend(getattr(one, kind))
    print_row("all", every)
    shown |= {"wall": percentiles(every.wall), "cpu": percentiles(every.cpu), "largest": max(every.sizes)}
    return {**shown, "load": os.getloadavg()[0]}


def percentiles(values: list[float]) -> tuple[float, float, float]:
    """Return median, 95th percentile and maximum."""
    p50, p95, most = np.percentile(values, [50, 95, 100])
    return float(p50), float(p95), float(most)


def print_row(name: str, one: Measured) -> None:
    """Print what was measured of a page."""
    wall, cpu, whole = percentiles(one.wall), percentiles(one.cpu), percentiles(one.whole)
    numbers = "".join(
        f"{value:{width}.0f}" for value, width in zip((*wall, *cpu), (10, 7, 7, 10, 7, 7), strict=True)
    )
    print(
        f"{name:10} {len(one.wall):7}{numbers}{whole[0]:10.0f}{whole[1]:7.0f}{max(one.sizes) / 1000:7.0f} kB",
        flush=True,
    )


OTHER = """
import sys, time
import numpy as np, pandas as pd
from sklearn.linear_model import LogisticRegression
from explainerdashboard import ClassifierExplainer, ExplainerDashboard
rows, features, port = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
draw = np.random.default_rng(0)
X = pd.DataFrame(draw.normal(size=(rows, features)), columns=[f"feature_{i}" for i in range(features)])
y = pd.Series(draw.integers(0, 5, rows))
model = LogisticRegression(max_iter=50).fit(X, y)
start = time.perf_counter()
explainer = ClassifierExplainer(model, X, y, labels=["anger", "fear", "happiness", "neutral", "sadness"])
board = ExplainerDashboard(explainer, whatif=False, shap_interaction=False)
print(f"ready {time.perf_counter() - start:.1f}", flush=True)
board.run(port=port, host="127.0.0.1")
"""


def other_dashboard(python: str, port: int, features: int, rows: int, patience: float = 300) -> str:
    """Say how long explainerdashboard takes to open on a table of the same width with a linear model."""
    from playwright.sync_api import Error

    asked = subprocess.run(
        [python, "-c", "import explainerdashboard as e; print(e.__version__)"], capture_output=True, text=True
    )
    if asked.returncode:
        return f"{python} has no explainerdashboard; `{python} -m pip install explainerdashboard` brings it."
    version = asked.stdout.strip()
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as place:
        script = Path(place) / "other.py"
        script.write_text(OTHER, encoding="utf-8")
        command = [python, str(script), str(rows), str(features), str(port)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            assert process.stdout is not None
            lines = iter(process.stdout.readline, "")
            ready = next((line for line in lines if line.startswith("ready")), "")
            if not ready:
                return f"explainerdashboard {version} failed on {rows} x {features}."
            while not answers(port):
                if time.perf_counter() - start > patience:
                    return f"explainerdashboard {version} was not there after {patience:.0f} s."
                time.sleep(0.2)
            drawn = "() => document.querySelector('.js-plotly-plot .main-svg')"
            cold, warm = first_pages(f"http://127.0.0.1:{port}/", drawn, again=3)
        except Error as error:
            return f"explainerdashboard {version} never drew a figure: {str(error).splitlines()[0]}"
        finally:
            process.kill()
            process.wait()
    return (
        f"explainerdashboard {version}, {rows} x {features}, logistic regression: {ready.split()[1]} s of computing "
        f"before it opens; first figure drawn {cold:.2f} s cold, {np.median(warm):.2f} s warm"
    )


def answers(port: int) -> bool:
    """Whether somebody answers at a port."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status < 500
    except OSError:
        return False
    finally:
        connection.close()


def markdown(rows: list[dict[str, Any]]) -> None:
    """Print the table of the README."""
    print(
        "\n| run | first page cold | warm | server time p50 | p95 | max | of it computing p95 | largest answer | load |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for row in rows:
        wall, cpu = row["wall"], row["cpu"]
        print(
            f"| {row['run']} | {row['cold']:.2f} s | {row['warm']:.2f} s | {wall[0]:.0f} ms | {wall[1]:.0f} ms "
            f"| {wall[2]:.0f} ms | {cpu[1]:.0f} ms | {row['largest'] / 1000:.0f} kB | {row['load']:.1f} |"
        )


def main() -> None:
    """Measure what was asked for."""
    from benchmarks.dashboard_runs import LARGEST, STUDY, make_run

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, nargs="?", help="a run folder")
    sizes = {"study": STUDY, "largest": LARGEST}
    parser.add_argument("--generated", nargs="*", choices=list(sizes), default=list(sizes))
    parser.add_argument("--explainerdashboard", metavar="PYTHON", help="a Python that has explainerdashboard")
    parser.add_argument("--port", type=int, default=8170)
    args = parser.parse_args()
    rows = []
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    if args.run is not None:
        rows.append(measure(args.run, args.port))
    with tempfile.TemporaryDirectory() as place:
        for number, name in enumerate(args.generated):
            start = time.perf_counter()
            folder = make_run(Path(place) / name, sizes[name])
            print(f"\nmade in {time.perf_counter() - start:.0f} s", end="")
            rows.append(measure(folder, args.port + 10 * (number + 1)))
    markdown(rows)
    if args.explainerdashboard is None:
        print(
            "\nexplainerdashboard was not measured: name a Python that has it with --explainerdashboard PYTHON."
        )
    else:
        for count, features in ((600, 50), (600, 1582)):
            print(
                "\n" + other_dashboard(args.explainerdashboard, args.port + 50, features, count), flush=True
            )


if __name__ == "__main__":
    main()

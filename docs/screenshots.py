"""Pictures of every page of the dashboard for the documentation, of a run of the demo corpus.

    python docs/screenshots.py RUN [--out docs/images] [--width 1280] [--dark] [--lang en] [--whole]

RUN is a run that `msfl demo` made, explained. Needs playwright, a Chromium and Pillow. Do not take pictures of real
recordings for the documentation: what is drawn of them may not be given away.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

COLOURS = 200
"""Of a picture: enough for figures and text, and a third of the size."""
TALLEST = 1500
"""Pixels of a page that are shown; the rest is more of the same."""


def views(run: Any) -> dict[str, str]:
    """Return name of the picture -> address."""
    from dashboard.data import RunData
    from dashboard.shared_features import marks, ranking
    from dashboard.state import read_state

    data = RunData("run", run)
    names = list(data.feature_names)
    first = names[0]
    state = read_state("/shared", "", _data(run))[0]
    table = ranking(data, state)
    if table is not None and len(table):
        shared = marks(data, state).get("top", set())
        found = [name for name in table["name"] if name in shared] or list(table["name"])
        first = str(found[0])
    pages = ("overview", "shared", "compare", "trust", "try_it")
    return {
        **{page: f"/{page}" for page in pages},
        "feature": f"/feature?feature={first}",
        "utterance": "/utterance?view=explained",
    }


def _data(run: Any) -> Any:
    from dashboard.data import Data, keyed

    return Data(keyed([run]))


def take(page: Any, address: str, file: Path, *, whole: bool) -> None:
    """Open a view, wait until all of it is there, and save it with few colours."""
    from PIL import Image

    page.goto(address)
    page.wait_for_selector("h1")
    page.wait_for_function("() => !document.querySelector('.later-wait, .sound-wait, .mantine-Loader-root')")
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(700)
    page.screenshot(path=str(file), full_page=True)
    picture = Image.open(file).convert("RGB")
    if not whole:
        picture = picture.crop((0, 0, picture.width, min(picture.height, TALLEST)))
    picture.quantize(COLOURS, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(
        file, optimize=True
    )


def main() -> None:
    """Serve the run, and take the pictures."""
    from playwright.sync_api import sync_playwright
    from waitress import create_server

    from dashboard.app import create_app
    from dashboard.pages import close_pages
    from msfl.runs import open_run

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "images")
    parser.add_argument("--audio-root", type=Path)
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--lang", default="en", choices=["en", "de", "zh"])
    parser.add_argument("--whole", action="store_true", help="the whole page, however tall")
    parser.add_argument("--only", nargs="*", help="names of the pictures")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    run = open_run(args.run)
    data = replace(_data(run), audio_root=args.audio_root)
    server = create_server(create_app(data).server, host="127.0.0.1", port=0, threads=8, ident=None)
    threading.Thread(target=server.run, daemon=True).start()
    found = next((path for name in ("chromium", "google-chrome") if (path := shutil.which(name))), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        page = browser.new_page(
            viewport={"width": args.width, "height": 900}, color_scheme="dark" if args.dark else "light"
        )
        page.set_default_timeout(90_000)
        for name, address in views(run).items():
            if args.only and name not in args.only:
                continue
            file = args.out / f"dashboard-{name}.png"
            joint = "&" if "?" in address else "?"
            here = f"http://127.0.0.1:{server.effective_port}{address}{joint}lang={args.lang}"
            take(page, here, file, whole=args.whole)
            sys.stdout.write(f"{file}  {file.stat().st_size / 1000:.0f} kB\n")
        browser.close()
    server.close()
    close_pages(data)


if __name__ == "__main__":
    main()

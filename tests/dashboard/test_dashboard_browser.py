"""The dashboard in a real Chromium. Other pages have tests of their own beside this file."""

import os
from pathlib import Path
from typing import Any

import pytest

from dashboard.pages import load_pages

PAGES = [page.NAME for page in load_pages()]
SHOTS = os.environ.get("MSFL_SCREENSHOTS")


def go(visit: Any, served: Any, path: str) -> Any:
    visit.page.goto(served.url + path)
    visit.page.wait_for_selector("h1")
    return visit.page


@pytest.mark.parametrize("width", [1280, 820])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_opens_without_a_complaint_and_fits(visit: Any, served: Any, name: str, width: int) -> None:
    visit.page.set_viewport_size({"width": width, "height": 900})
    page = go(visit, served, f"/{name}")
    page.wait_for_load_state("networkidle")
    assert visit.complaints == []
    assert page.locator("h1").count() == 1
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert (
        page.evaluate("getComputedStyle(document.querySelector('.brand')).fontWeight") == "700"
    )  # styles came
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}-{width}.png"), full_page=True)


def test_nothing_is_asked_of_another_machine(visit: Any, served: Any) -> None:
    asked: list[str] = []
    visit.page.on("request", lambda request: asked.append(request.url))
    page = go(visit, served, "/overview")
    page.wait_for_selector(".js-plotly-plot .xtitle")
    assert len(asked) > 10
    assert [url for url in asked if not url.startswith((served.url, "data:", "blob:"))] == []


def test_a_filter_changes_the_page_and_its_link_and_the_link_restores_it(visit: Any, served: Any) -> None:
    page = go(visit, served, "/overview")
    page.get_by_label("Trained on").first.click()
    page.get_by_role("option", name="Italian", exact=True).click()
    page.wait_for_url("**/overview?*set=it*")
    page.get_by_text("trained on: Italian.").first.wait_for()
    link = page.url
    page.get_by_role("link", name="Try it").click()
    page.wait_for_url("**/try_it?*set=it*")
    page.go_back()
    page.get_by_text("trained on: Italian.").first.wait_for()
    other = visit.page.context.browser.new_page()
    other.goto(link)
    other.get_by_text("trained on: Italian.").first.wait_for()
    other.close()
    assert visit.complaints == []


def test_the_interface_changes_its_language_and_says_so(visit: Any, served: Any) -> None:
    page = go(visit, served, "/overview")
    page.locator("summary", has_text="Language").click()
    page.get_by_role("link", name="中文").click()
    page.get_by_role("heading", name="模型的效果").wait_for()
    page.wait_for_function("() => document.documentElement.lang === 'zh'")
    assert page.title() == "概览 · tiny · msfl"


def test_light_becomes_dark(visit: Any, served: Any) -> None:
    page = go(visit, served, "/overview")
    colour = "getComputedStyle(document.body).backgroundColor"
    before = page.evaluate(colour)
    page.get_by_role("button", name="Light or dark").click()
    page.wait_for_function(f"() => {colour} !== '{before}'")


def test_the_keyboard_reaches_skip_link_navigation_and_help(visit: Any, served: Any) -> None:
    page = go(visit, served, "/overview")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip-link"
    assert page.locator(".skip-link").bounding_box()["y"] >= 0
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.activeElement.id === 'main'")
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.className").startswith("help-mark"):
            break
    page.get_by_role("tooltip").first.wait_for()
    assert "solid" in page.evaluate("getComputedStyle(document.activeElement).outlineStyle")


def test_a_new_page_takes_the_keyboard_to_its_head(visit: Any, served: Any) -> None:
    page = go(visit, served, "/overview")
    page.get_by_role("link", name="Try it").focus()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Try it").wait_for()
    page.wait_for_function("() => document.activeElement.id === 'main'")
    assert page.locator(".page-tab-here").get_attribute("aria-current") == "page"


def test_a_recording_of_ones_own_gets_an_answer_is_played_and_deleted(
    visit: Any, served: Any, tmp_path: Path
) -> None:
    files = [str(file) for file in served.data.runs["tiny"].utterances["file"].iloc[[0, 20]]]
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"RIFF and nothing more")
    page = go(visit, served, "/try_it?model=logistic-regression")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose recordings").click()
    chooser.value.set_files([*files, str(broken)])
    page.wait_for_selector("#try-it-answer-1", timeout=120_000)
    assert page.locator("#try-it-answer-0").get_by_text("anger").count() >= 1
    assert page.get_by_role("heading", name="broken.wav").count() == 1
    assert "What speaks for" in page.inner_text("#try-it-answer-0")
    page.evaluate("document.querySelector('#try-it-answer-0 audio').play()")
    page.wait_for_function("() => document.querySelector('#try-it-answer-0 audio').currentTime > 0.1")
    assert page.evaluate("document.querySelector('#try-it-answer-0 audio').duration") == pytest.approx(
        0.5, abs=0.05
    )
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / "try_it-answer.png"), full_page=True)
    service = served.data.services["try_it"]
    assert len(list(service.folder.iterdir())) == 1
    page.get_by_role("button", name="Delete my recordings").click()
    page.get_by_text("There are no recordings of yours here").wait_for()
    assert list(service.folder.iterdir()) == []
    assert visit.complaints == []


def test_a_file_that_is_no_recording_is_refused_in_words(visit: Any, served: Any, tmp_path: Path) -> None:
    other = tmp_path / "letter.txt"
    other.write_text("hello")
    page = go(visit, served, "/try_it?lang=de")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Aufnahmen auswählen").click()
    chooser.value.set_files(str(other))
    page.get_by_text("ist keine Aufnahme, die hier gelesen werden kann").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_serious(chromium: Any, served: Any, name: str, scheme: str) -> None:
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed"
    )
    context = chromium.new_context(color_scheme=scheme, bypass_csp=True)  # axe itself is an inline script
    page = context.new_page()
    page.goto(f"{served.url}/{name}")
    page.wait_for_selector("h1")
    page.wait_for_load_state("networkidle")
    found = axe.Axe().run(page).response["violations"]
    context.close()
    serious = {
        one["id"]: [node["html"][:160] for node in one["nodes"]][:4]
        for one in found
        if one["impact"] in ("serious", "critical")
    }
    assert serious == {}

"""The page: safe with hostile names, offline, complete."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import pandas as pd
import plotly.graph_objects as go
import pytest

from analyses.report import page
from analyses.report.blocks import Figure, Notice, Paragraph, Section, Table
from analyses.report.page import Chapter, explained, figure_json, render

EVIL = "<img src=x onerror=alert(1)>"
SCRIPT = "</script><script>alert(1)</script>"


class Reader(HTMLParser):
    """Collects tags, ids, links and the text of scripts."""

    def __init__(self):
        super().__init__()
        self.tags, self.ids, self.links, self.scripts, self.attributes = [], [], [], [], []
        self._script = None

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if "id" in found:
            self.ids.append(found["id"])
        if tag == "a":
            self.links.append(found["href"])
        if tag == "script":
            self._script = [found.get("type", ""), ""]

    def handle_data(self, data):
        if self._script is not None:
            self._script[1] += data

    def handle_endtag(self, tag):
        if tag == "script":
            self.scripts.append(tuple(self._script))
            self._script = None


@pytest.fixture(scope="module")
def html():
    frame = pd.DataFrame({"name": [EVIL], "value": [0.5]})
    drawn = go.Figure(go.Bar(x=[SCRIPT, "<a href='https://x.example'>here</a>"], y=[1, 2], name=EVIL))
    drawn.update_layout(title={"text": f"<b>bold</b> {EVIL}"}, images=[{"source": "https://x.example/a.png"}])
    blocks = [
        Paragraph(f"{EVIL} and UAR"),
        Notice(EVIL, "missing", EVIL),
        Table("one", EVIL, frame, {"name": EVIL, "value": "value"}, note=EVIL),
        Figure("two", EVIL, EVIL, drawn, frame),
    ]
    chapters = [
        Chapter(name, EVIL, EVIL, synthetic=True, sections=[Section(EVIL, "first", blocks)])
        for name in ("a", "b")
    ]
    return render(chapters, title=EVIL, made=EVIL)


@pytest.fixture(scope="module")
def read(html):
    found = Reader()
    found.feed(html)
    return found


def test_names_from_a_run_become_neither_tags_nor_handlers_nor_scripts(read):
    assert "img" not in read.tags
    assert not [one for one in read.attributes if one[1].startswith("on")]
    assert [kind for kind, _ in read.scripts].count("") == 2  # plotly.js and ours


def test_nothing_is_fetched(read):
    sources = [value for _, name, value in read.attributes if name in ("src", "href", "srcset", "action")]
    assert all(value.startswith("#") for value in sources)
    assert "link" not in read.tags


def test_the_policy_allows_exactly_the_two_scripts_of_the_page(read):
    policy = next(
        value for tag, name, value in read.attributes if tag == "meta" and "script-src" in (value or "")
    )
    allowed = set(re.findall(r"'(sha256-[^']+)'", policy))
    hashes = {
        "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        for kind, text in read.scripts
        if not kind
    }
    assert allowed == hashes
    assert "default-src 'none'" in policy
    assert "unsafe-eval" not in policy
    assert "unsafe-inline" not in policy.split("style-src")[0]


def test_plotly_is_there_once_however_many_runs_there_are(html):
    assert html.count("Plotly.newPlot") <= 2
    assert 3e6 < len(html) < 8e6


def test_links_of_the_contents_lead_somewhere_and_ids_are_unique(read):
    assert len(read.ids) == len(set(read.ids))
    assert {link[1:] for link in read.links} <= set(read.ids)
    assert "#a-first" in read.links
    assert "#b-first" in read.links


def test_a_text_in_a_figure_can_neither_end_the_data_nor_become_a_link():
    drawn = go.Figure(go.Bar(x=[SCRIPT, "<a href='https://x.example'>here</a>"], y=[1, 2], name=EVIL))
    drawn.update_layout(title={"text": "<b>bold</b><br>line"}, images=[{"source": "https://x.example/a.png"}])
    text = str(figure_json(drawn))
    assert not set("<>&") & set(text)
    found = json.loads(text)
    assert found["layout"]["title"]["text"] == "<b>bold</b><br>line"
    assert "images" not in found["layout"]
    assert found["data"][0]["x"][1].startswith("&lt;a href")
    assert found["data"][0]["name"] == EVIL.replace("<", "&lt;")


def test_colours_of_labels_survive_but_no_other_style():
    drawn = go.Figure().update_layout(
        title={"text": '<span style="color:#d55e00">■</span> <span style="position:fixed">x</span>'}
    )
    title = json.loads(str(figure_json(drawn)))["layout"]["title"]["text"]
    assert title.startswith('<span style="color:#d55e00">■</span>')
    assert '&lt;span style="position' in title


def test_abbreviations_are_explained_and_the_rest_is_escaped():
    text = str(explained("UAR of MFCCs & <b>"))
    assert '<abbr title="unweighted average recall">UAR</abbr>' in text
    assert ">MFCCs</abbr>" in text
    assert text.endswith("&amp; &lt;b&gt;")


def test_long_tables_are_cut_and_say_so():
    table = Table("long", "Long", pd.DataFrame({"a": range(100)}), rows=10)
    chapter = Chapter("a", "A", "", synthetic=False, sections=[Section("S", "s", [table])])
    text = render([chapter], title="T", made="")
    assert text.count("<td") == 10 + text.split("<table")[0].count("<td")
    assert "The first 10 of 100 rows" in text
    assert "Plotly" not in text.split("report.js")[0][:100]


def test_a_page_without_figures_does_not_carry_plotly():
    chapter = Chapter("a", "A", "", synthetic=False, sections=[Section("S", "s", [Paragraph("Text")])])
    assert len(render([chapter], title="T", made="")) < 60_000


def test_every_abbreviation_has_a_meaning_that_a_page_shows():
    assert all(page.ABBREVIATIONS.values())
    assert list(page.TERMS) == sorted(page.TERMS, key=str.lower)

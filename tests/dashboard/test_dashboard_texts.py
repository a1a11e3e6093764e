import re
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

import analyses.figures
import dashboard
from dashboard.components.wording import translate
from dashboard.pages import load_pages
from dashboard.texts import LANGUAGES, texts_for
from dashboard.texts.reader import FOLDER, read

HERE = Path(dashboard.__file__).parent
FILES = [file for file in HERE.rglob("*.py") if "texts" not in file.parts]
KEY = re.compile(
    r"""(?:texts\(|help_mark\(\s*texts,|Notice\(|Refused\(|TITLE =)\s*"([a-z_]+\.[a-z0-9_.]+)\""""
)


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("lang", [lang for lang in LANGUAGES if lang != "en"])
def test_every_language_has_the_same_keys_and_placeholders(lang: str) -> None:
    english, other = texts_for("en").entries, texts_for(lang).entries
    assert set(english) == set(other)
    differing = [key for key in english if placeholders(english[key]) != placeholders(other[key])]
    assert not differing


def test_every_key_that_the_code_names_has_a_text() -> None:
    named = {key for file in FILES for key in KEY.findall(file.read_text(encoding="utf-8"))}
    assert len(named) > 50
    assert not sorted(named - set(texts_for("en").entries))


def test_pages_have_titles_and_names_of_their_own() -> None:
    pages = load_pages()
    assert len({page.NAME for page in pages}) == len(pages)
    assert all(page.TITLE in texts_for("en").entries for page in pages)


def test_numbers_are_written_as_readers_expect() -> None:
    assert texts_for("de").number(-0.256) == "−0,26"
    assert texts_for("en").number(float("nan")) == "–"
    assert (texts_for("de").count(1582), texts_for("zh").count(1582)) == ("1.582", "1,582")


def test_an_unknown_key_is_shown_and_takes_nothing_down() -> None:
    assert texts_for("en")("no.such.key", value=1) == "no.such.key"
    assert texts_for("xx").lang == "en"


def test_figures_speak_the_language_of_the_page() -> None:
    drawn: dict[str, Any] = {
        "data": [
            {"name": "random rankings", "x": ["shap", "attention"], "y": [1.0, 2.0]},
            {
                "name": "F0final_sma_amean",
                "colorbar": {"ticktext": ["even"], "title": {"text": "Kendall's tau-b"}},
            },
        ],
        "layout": {
            "xaxis": {"title": {"text": "share of the features, %"}},
            "yaxis2": {"ticktext": ["below 10", 'timing <span style="color:red">■</span>', "3"]},
            "annotations": [{"text": "excellent above"}, {"text": "mean of the pitch contour"}],
        },
    }
    translate(drawn, texts_for("de"))
    assert drawn["data"][0]["name"] == "zufällige Ranglisten"
    assert drawn["data"][0]["x"] == [texts_for("de").label("method", name) for name in ("shap", "attention")]
    assert drawn["data"][0]["y"] == [1.0, 2.0]
    assert drawn["data"][1]["name"] == "F0final_sma_amean"
    assert drawn["data"][1]["colorbar"]["ticktext"] == ["gleich"]
    assert drawn["layout"]["xaxis"]["title"]["text"] == "Anteil der Merkmale, %"
    timing = texts_for("de").label("family", "timing")
    assert drawn["layout"]["yaxis2"]["ticktext"] == [
        "unter 10",
        f'{timing} <span style="color:red">■</span>',
        "3",
    ]
    assert [note["text"] for note in drawn["layout"]["annotations"]] == [
        "darüber sehr gut",
        "mean of the pitch contour",
    ]


def test_the_english_words_of_figures_are_those_that_figures_use() -> None:
    sources = "".join(file.read_text("utf-8") for file in Path(analyses.figures.__path__[0]).glob("*.py"))
    words = {key: word for key, word in read(FOLDER / "figure.en.toml").items() if key != "below"}
    assert [word for word in words.values() if f'"{word}"' not in sources] == []

import re
from pathlib import Path
from string import Formatter

import pytest

import dashboard
from dashboard.pages import load_pages
from dashboard.texts import LANGUAGES, texts_for

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

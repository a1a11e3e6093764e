from dataclasses import asdict, replace
from urllib.parse import urlsplit

from hypothesis import given
from hypothesis import strategies as some

from dashboard.data import Data
from dashboard.state import FIELDS, State, read_state, state_of


def address(link: str) -> tuple[str, str]:
    parts = urlsplit(link)
    return parts.path, f"?{parts.query}"


def test_an_address_without_anything_shows_the_largest_language_set_of_the_first_run(data: Data) -> None:
    state, notices = read_state("/", "", data)
    assert not notices
    assert (state.page, state.run, state.set, state.task) == ("overview", data.first, "all", "emotion")
    assert state.model == "logistic-regression"


def test_a_link_leads_back_to_its_view(data: Data) -> None:
    start, _ = read_state("/", "", data)
    run = data.run(start)
    wanted = replace(
        start,
        page="feature",
        lang="zh",
        set="de",
        model="majority",
        level="family",
        emotion="anger",
        language="it",
        feature=run.feature_names[3],
        utterance=str(run.utterances.index[5]),
        view="tab-2",
        search="pitch & slope",
        set2="it",
    )
    assert read_state(*address(wanted.link()), data) == (wanted, [])


def test_what_the_run_does_not_have_is_ignored_and_said(data: Data) -> None:
    foreign = "?run=other&set=fr&feature=F0<script>&utterance=../../etc/passwd&level=phoneme&lang=xx"
    state, notices = read_state("/nowhere", foreign, data, ("overview", "feature"))
    assert state == read_state("/", "", data)[0]
    said = {notice.values.get("field", "page") for notice in notices}
    assert said == {"page", "run", "set", "feature", "utterance", "level", "lang"}


@given(some.dictionaries(some.sampled_from(FIELDS), some.text(max_size=300)), some.text(max_size=50))
def test_no_address_and_no_store_can_bring_in_a_foreign_value(tiny_data, values, path) -> None:
    for state in (state_of(values, tiny_data), read_state(path, State(**values).query(), tiny_data)[0]):
        run = tiny_data.run(state)
        assert state.set in run.choices.sets
        assert state.model in run.choices.models
        assert state.feature in {"", *run.feature_names}
        assert state.utterance in {"", *run.utterances.index}
        assert len(state.search) <= 80
        assert all(letter.isalnum() or letter in "-_." for letter in state.view)
        assert state_of(asdict(state), tiny_data) == state

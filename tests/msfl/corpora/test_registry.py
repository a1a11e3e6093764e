from __future__ import annotations

import json
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import soundfile
from click.testing import CliRunner
from numpy import zeros

from msfl import corpora
from msfl.commands.corpora import corpora as command
from msfl.corpora import labels, savee
from msfl.corpora.table import VALUES
from msfl.errors import DataError, UsageError

HERE = [name for name in corpora.MODULES if name != "demo"]


@pytest.mark.parametrize("name", HERE)
def test_every_reader_states_its_facts(name: str) -> None:
    reader = corpora.get_reader(name)
    assert reader.name == name
    assert all((reader.title, reader.licence, reader.source, reader.layout, reader.labels, reader.citation))
    assert set(reader.emotions) <= set(labels.EMOTIONS)
    assert reader.naturalness in ("", *VALUES["naturalness"])
    assert list(reader.emotions) == sorted(set(reader.emotions))


def test_unknown_reader_names_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"no corpus reader 'emdob'\. Did you mean 'emodb'"):
        corpora.load("emdob=here")


@pytest.mark.parametrize("spec", ["emodb", "emodb=", "=here", ""])
def test_spec_of_another_form_is_refused(spec: str) -> None:
    with pytest.raises(UsageError, match="reader=PATH"):
        corpora.load(spec)


@pytest.mark.parametrize("spec", ["emodb:=here", "emodb:a/b=here", "emodb: a=here"])
def test_label_that_cannot_begin_an_id_is_refused(spec: str) -> None:
    with pytest.raises(UsageError, match="label"):
        corpora.load(spec)


def test_path_may_hold_an_equals_sign_and_a_colon() -> None:
    assert corpora.parse_spec("manifest:calls=a=b:c.csv") == ("manifest", "calls", Path("a=b:c.csv"))


def test_missing_path_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"There is no '.*nowhere'"):
        corpora.load(f"emodb={tmp_path / 'nowhere'}")


def test_one_reader_serves_two_corpora_under_two_labels(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        soundfile.write(tmp_path / folder / "03a01Fa.wav", zeros(80), 8000)
    table = corpora.load_all([f"emodb:old={tmp_path / 'a'}", f"emodb:new={tmp_path / 'b'}"])
    assert table["speaker"].tolist() == ["old/03", "new/03"]
    with pytest.raises(DataError, match=r"Two corpora have the label 'emodb'.*reader:LABEL=PATH"):
        corpora.load_all([f"emodb={tmp_path / 'a'}", f"emodb={tmp_path / 'b'}"])
    with pytest.raises(DataError, match=r"03a01Fa.wav' is in both corpora 'x' and 'y'"):
        corpora.load_all([f"emodb:x={tmp_path / 'a'}", f"emodb:y={tmp_path / 'a'}"])


def test_no_corpus_at_all_is_an_error() -> None:
    with pytest.raises(DataError, match="name at least one"):
        corpora.load_all([])


def test_other_packages_add_readers(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("surrey", "msfl.corpora.savee:READER", corpora.ENTRY_POINTS)
    monkeypatch.setattr(
        corpora, "entry_points", lambda group: [point] if group == corpora.ENTRY_POINTS else []
    )
    assert corpora.names()[-1] == "surrey"
    assert corpora.get_reader("surrey") is savee.READER


def test_command_lists_all_readers_and_their_facts() -> None:
    result = CliRunner().invoke(command, ["--json"], catch_exceptions=False)
    listed = json.loads(result.output)
    assert [facts["name"] for facts in listed] == corpora.names()
    shown = CliRunner().invoke(command, [], catch_exceptions=False).output
    assert all(name in shown for name in corpora.names())


def test_command_explains_one_reader() -> None:
    result = CliRunner().invoke(command, ["tess"], catch_exceptions=False)
    flat = " ".join(result.output.split())
    for fact in ("OAF_Fear/OAF_back_fear.wav", "10.5683/SP2/E8H2MF", "Pichora-Fuller", "en-CA"):
        assert fact in flat
    facts = json.loads(CliRunner().invoke(command, ["tess", "--json"]).output)
    assert facts["language"] == "en-CA"
    assert "surprise" in facts["emotions"]


def test_command_refuses_an_unknown_reader() -> None:
    with pytest.raises(UsageError, match="Did you mean 'ravdess'"):
        CliRunner().invoke(command, ["ravdes"], catch_exceptions=False)

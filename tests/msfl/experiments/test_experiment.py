import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msfl.errors import DataError, UsageError
from msfl.experiment import load_experiment, parse_experiment
from msfl.grid import Job, LanguageSet, language_sets
from msfl.manifest import JOB_ID
from msfl.template import experiment_file

CORPORA = {"emodb": "corpora/emodb"}


def parse(tmp_path: Path, **sections):
    return parse_experiment({"name": "x", "corpora": CORPORA, **sections}, folder=tmp_path, where="x.toml")


def test_paths_start_at_the_folder_of_the_file_and_defaults_are_filled_in(tmp_path):
    file = tmp_path / "x.toml"
    file.write_text(
        'name = "x"\n[corpora]\nemodb = "corpora/emodb"\ncalls = "manifest=calls.csv"\n'
        'urdu = { path = "u", normalisation = "train", language = "ur" }\n[data]\nfeatures_table = "f.csv"\n'
    )
    experiment = load_experiment(file)
    assert experiment.corpora["emodb"].spec("emodb") == f"emodb={tmp_path / 'corpora/emodb'}"
    assert experiment.corpora["calls"].spec("calls") == f"manifest:calls={tmp_path / 'calls.csv'}"
    assert experiment.corpora["urdu"].normalisation == "train"
    assert experiment.data.features_table == tmp_path / "f.csv"
    assert experiment.data.normalisation == "train"
    assert experiment.training.seeds == (0,)


@pytest.mark.parametrize(
    ("sections", "sentence"),
    [
        ({"trainning": {}}, "there is no key 'trainning'. Did you mean 'training'?"),
        ({"training": {"seed": 3}}, "there is no key 'training.seed'. Did you mean 'seeds'?"),
        ({"corpora": {"emodb": {"path": "x", "normalization": "train"}}}, "Did you mean 'normalisation'?"),
        ({"data": {"normalisation": "spaeker"}}, "data.normalisation = 'spaeker' is not one of"),
        ({"data": {"normalisation": "spaeker"}}, "Did you mean 'speaker'?"),
        ({"data": {"emotions": "some"}}, "data.emotions: 'some' is neither 'all' nor 'shared'"),
        ({"data": {"emotions": ["anger"]}}, "at least two different emotions"),
        ({"data": {"features": "IS1O"}}, "Did you mean 'IS1"),
        ({"protocol": {"name": "speaker-kfold"}}, "needs its number of folds"),
        ({"protocol": {"name": "losso"}}, "Did you mean 'loso'?"),
        ({"protocol": {"seed": -1}}, "protocol.seed = -1"),
        ({"training": {"seeds": 0}}, "training.seeds: give the number of seeds, at least 1"),
        ({"training": {"seeds": [1, 1]}}, "the seed 1 is there twice"),
        ({"training": {"tasks": ["emotion", "langauge"]}}, "Did you mean 'language'?"),
        ({"training": {"language_sets": "monolingal"}}, "Did you mean 'monolingual'?"),
        ({"training": {"models": []}}, "name at least one model"),
        ({"training": {"balancing": {"alpha": 1}}}, "needs the name of the method"),
        ({"model": {"rbf-swm": {}}}, "gives parameters to a model that is not trained"),
        ({"corpora": {}}, "name at least one corpus"),
        ({"corpora": {"a/b": "x"}}, "the label 'a/b'"),
        ({"name": "../x"}, "it names the run folder"),
    ],
)
def test_a_mistake_is_one_sentence_that_names_file_and_key(tmp_path, sections, sentence):
    with pytest.raises(UsageError) as caught:
        parse(tmp_path, **sections)
    message = str(caught.value)
    assert message.startswith("x.toml: ")
    assert sentence in message
    assert "\n" not in message


def test_a_missing_file_a_folder_and_broken_toml_are_told_apart(tmp_path):
    with pytest.raises(UsageError, match="`msfl init"):
        load_experiment(tmp_path / "no.toml")
    with pytest.raises(UsageError, match="is a folder"):
        load_experiment(tmp_path)
    (tmp_path / "bad.toml").write_text("name = [")
    with pytest.raises(UsageError, match=r"bad\.toml is not valid TOML"):
        load_experiment(tmp_path / "bad.toml")


def test_the_template_is_a_valid_experiment_with_the_corpora_that_were_named(tmp_path):
    chosen = {"emodb": ("emodb", "../emodb"), "calls": ("manifest", 'odd "name".csv')}
    raw = tomllib.loads(experiment_file("five", chosen, file="five.toml"))
    experiment = parse_experiment(raw, folder=tmp_path)
    assert experiment.name == "five"
    assert experiment.training.seeds == (0, 1, 2)
    assert experiment.corpora["calls"].path.name == 'odd "name".csv'
    assert experiment.corpora["calls"].reader == "manifest"


def test_language_sets():
    languages = ["it", "de", "ur"]
    assert [group.name for group in language_sets("monolingual+all", languages)] == ["de", "it", "ur", "all"]
    assert len(language_sets("all-subsets", languages)) == 7
    assert [group.name for group in language_sets("monolingual+all", ["de"])] == ["de"]
    assert language_sets([["it", "de"], ["de", "it"]], languages) == (LanguageSet("de+it", ("de", "it")),)
    with pytest.raises(UsageError, match=r"no corpus holds the language 'dee'.*Did you mean 'de'"):
        language_sets([["dee"]], languages)
    with pytest.raises(UsageError, match="list the sets that you mean"):
        language_sets("all-subsets", [f"l{number}" for number in range(20)])


@given(st.text(min_size=1, max_size=200), st.text(min_size=1, max_size=200), st.integers(0, 9))
def test_a_job_id_is_a_safe_folder_name_whatever_the_fold_is_called(language, fold, seed):
    job = Job(LanguageSet(language, (language,)), "msfl", fold, seed)
    assert JOB_ID.fullmatch(job.id)
    assert 0 <= job.derived_seed(0) < 2**31


def test_jobs_differ_in_id_and_models_share_their_seed():
    de = LanguageSet("de", ("de",))
    assert Job(de, "m", "a/b", 0).id != Job(de, "m", "a_b", 0).id
    seeds = {Job(de, model, "f", 0).derived_seed(0) for model in ("msfl", "linear-svm")}
    assert len(seeds) == 1
    others = {Job(de, "m", fold, seed).derived_seed(0) for fold in "fg" for seed in (0, 1)}
    assert len(others) == 4
    assert Job(de, "m", "f", 0).derived_seed(1) not in others


def test_selection_says_what_is_wrong_with_the_emotions(toy):
    from msfl.selection import load_table, select

    def chosen(emotions):
        toy.write(extra="")
        text = toy.file.read_text().replace("[data]", f"[data]\nemotions = {emotions}")
        toy.file.write_text(text)
        experiment = toy.experiment()
        return select(load_table(experiment), experiment)

    with pytest.raises(UsageError, match=r"no corpus has the emotion 'angr'.*Did you mean 'anger'"):
        chosen('["angr", "sadness"]')
    assert set(chosen('["anger", "sadness"]')["emotion"]) == {"anger", "sadness"}
    toy.table.loc[(toy.table["language"] == "it") & (toy.table["emotion"] == "neutral"), "emotion"] = "fear"
    assert set(chosen('"shared"')["emotion"]) == {"anger", "sadness"}
    toy.table.loc[toy.table["language"] == "it", "emotion"] = "fear"
    with pytest.raises(DataError, match="share 0 emotion"):
        chosen('"shared"')
    toy.table["emotion"] = "fear"
    with pytest.raises(DataError, match="has 1 class"):
        chosen('"all"')


def test_warnings_name_lonely_emotions_confounded_speakers_and_missing_labels(toy):
    from msfl.selection import load_table, warnings

    toy.table.loc[(toy.table["language"] == "it") & (toy.table["emotion"] == "neutral"), "emotion"] = "fear"
    toy.table["speaker"] = toy.table["speaker"] + toy.table["emotion"]  # one emotion each, as in URDU
    toy.table.loc[0, "emotion"] = None
    toy.write()
    toy.file.write_text(toy.file.read_text().replace("[data]", '[data]\nnormalisation = "speaker"'))
    experiment = toy.experiment()
    said = " ".join(warnings(load_table(experiment), experiment))
    assert "fear (it), neutral (de)" in said
    assert "normalising per speaker erases the emotion" in said
    assert "1 of 72 utterances have no label for the task emotion: they are not tested." in said


def test_a_model_that_no_seed_changes_is_trained_once():
    from msfl.models.registry import registry

    once = {name for name, entry in registry().items() if not entry.seeded}
    assert once == {"majority", "logistic-regression", "linear-svm", "gradient-boosting"}

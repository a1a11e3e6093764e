"""What goes wrong in other people's data and files: one sentence each, what to do, an exit code, nothing lost.

Every case runs the whole command. Exit code 2: the command line or the experiment asks for something that does not
exist; 1: recordings, tables, run folders or the disk are not what they should be.
"""

import errno
import json
import os
import shutil

import numpy as np
import pandas as pd
import pytest
import soundfile

MANIFESTS = {
    "good.csv": "file,language,speaker,emotion\ngood.wav,de,anna,anger\nbetter.wav,de,bea,sadness\n",
    "faulty.csv": "file,language,emotion\ngood.wav,de,anger\nbetter.wav,de,sadness\njunk.wav,de,anger\n"
    "empty.wav,de,anger\ngone.wav,de,anger\nshort.wav,de,anger\nsilent.wav,de,anger\n",
    "no-language.csv": "file,emotion\ngood.wav,anger\n",
    "no-emotion.csv": "file,language\ngood.wav,de\n",
    "unknown-emotion.csv": "file,language,emotion\ngood.wav,de,angrr\n",
    "no-tag.csv": "file,language,emotion\ngood.wav,German,anger\n",
    "rating.csv": "file,language,emotion,valence\ngood.wav,de,anger,9\n",
    "none-there.csv": "file,language,emotion\ngone.wav,de,anger\n",
    "no-rows.csv": "file,language,emotion\n",
    "empty.csv": "",
    "anna-1.csv": "file,language,speaker,emotion\ngood.wav,de,x/anna,anger\n",
    "anna-2.csv": "file,language,speaker,emotion\nbetter.wav,de,x/anna,anger\n",
}
FEATURES = tuple(f"f{number}" for number in range(4))


def toy_table():
    """Two languages, three speakers each, two emotions; labels and features in one table, no recordings."""
    rng = np.random.default_rng(0)
    rows = [
        {
            "file": f"{speaker}{emotion}{take}.wav",
            "language": language,
            "speaker": speaker,
            "emotion": emotion,
        }
        for language in ("de", "it")
        for speaker in (f"{language}0", f"{language}1", f"{language}2")
        for emotion in ("anger", "sadness")
        for take in range(2)
    ]
    table = pd.DataFrame(rows)
    table.insert(0, "utterance", [name.removesuffix(".wav") for name in table["file"]])
    values = rng.normal(size=(len(table), len(FEATURES))) + 3 * (table[["emotion"]] == "anger").to_numpy()
    return table.assign(**dict(zip(FEATURES, values.T, strict=True)))


TOML = """
name = "toy"
[corpora]
toy = { reader = "manifest", path = "toy.csv" }
[data]
features_table = "toy.csv"
[protocol]
name = "loso"
[training]
models = ["majority"]
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with a few good files and many bad ones, and a run; made once, tests get a copy."""
    from msfl.execution import train
    from msfl.experiment import load_experiment

    folder = tmp_path_factory.mktemp("made")
    for name, text in MANIFESTS.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "latin.csv").write_bytes("file,language,emotion\ngood.wav,de,Ärger\n".encode("latin-1"))
    (folder / "damaged.parquet").write_bytes(b"nothing")
    time = np.arange(9600) / 16000
    for name, pitch in (("good", 220), ("better", 120)):
        soundfile.write(folder / f"{name}.wav", 0.3 * np.sign(np.sin(2 * np.pi * pitch * time)), 16000)
    soundfile.write(folder / "short.wav", np.full(100, 0.1), 16000)
    soundfile.write(folder / "silent.wav", np.zeros(16000), 16000)
    (folder / "junk.wav").write_text("no sound")
    (folder / "empty.wav").touch()
    (folder / "emodb" / "wav").mkdir(parents=True)
    soundfile.write(folder / "emodb" / "wav" / "one.wav", np.zeros(1600), 16000)
    (folder / "nothing").mkdir()
    toy_table().to_csv(folder / "toy.csv", index=False)
    toy_table()[["utterance", "f0", "f1"]].to_csv(folder / "few.csv", index=False)
    (folder / "toy.toml").write_text(TOML)
    train(load_experiment(folder / "toy.toml"), folder / "run", jobs=1, progress=False)
    return folder


@pytest.fixture
def world(made, tmp_path, monkeypatch):
    """The files of `made`, to be spoilt; the working directory."""
    folder = tmp_path / "world"
    shutil.copytree(made, folder)
    monkeypatch.chdir(folder)
    return folder


USAGE, DATA = 2, 1
COMMANDS = [
    # corpora
    ("scan emdob=emodb", USAGE, "There is no corpus reader 'emdob'. Did you mean 'emodb'?"),
    ("corpora emdob", USAGE, "There is no corpus reader 'emdob'. Did you mean 'emodb'?"),
    ("scan emodb", USAGE, "write reader=PATH"),
    ("scan emodb=nowhere", DATA, "There is no 'nowhere'; the reader 'emodb' needs the folder of EMO-DB"),
    ("scan emodb=emodb", DATA, "expected wav/03a01Fa.wav, found 1 wav or flac files of another layout"),
    ("scan emodb=nothing", DATA, "found no wav or flac file. `msfl corpora emodb` says more"),
    ("scan emodb=good.csv", DATA, "it is a file, not a folder"),
    ("scan manifest=nothing", DATA, "expected a .csv, .tsv or .parquet file"),
    (
        "scan manifest=no-language.csv",
        DATA,
        "'no-language.csv' has no column 'language'. It has file, emotion",
    ),
    ("scan manifest=no-emotion.csv", DATA, "has no column 'emotion'"),
    (
        "scan manifest=unknown-emotion.csv",
        DATA,
        "Row 1 of the manifest 'unknown-emotion.csv': The emotion 'angrr'",
    ),
    (
        "scan manifest=no-tag.csv",
        DATA,
        "'German' of utterance 'manifest/good' is not a BCP 47 tag such as de",
    ),
    ("scan manifest=rating.csv", DATA, "the valence '9' is no rating from 1 to 5; convert it"),
    ("scan manifest=none-there.csv", DATA, "names are relative to the folder of the manifest"),
    ("scan manifest=no-rows.csv", DATA, "'no-rows.csv' has no rows"),
    ("scan manifest=empty.csv", DATA, "'empty.csv' is empty; it needs columns file, language, emotion"),
    ("scan manifest=latin.csv", DATA, "'latin.csv' is not UTF-8 text; save it as UTF-8"),
    ("scan manifest=damaged.parquet", DATA, "'damaged.parquet' cannot be read"),
    (
        "scan manifest:a=anna-1.csv manifest:b=anna-2.csv",
        DATA,
        "'a' and 'b' both claim the speaker 'x/anna'; if",
    ),
    (
        "scan manifest=good.csv manifest=good.csv",
        DATA,
        "Two corpora have the label 'manifest'; give one of them",
    ),
    (
        "scan manifest:a=good.csv manifest:b=good.csv",
        DATA,
        "is in both corpora 'a' and 'b'; leave one of them out",
    ),
    (
        "scan manifest=good.csv -o good.csv/x",
        USAGE,
        "'good.csv' is a file, not a folder; name another with -o",
    ),
    # features
    ("extract manifest=good.csv --features IS1O", USAGE, "There is no feature set 'IS1O'. Did you mean 'IS1"),
    ("extract manifest=good.csv -o f.txt", USAGE, "'f.txt' must end in .parquet or .csv"),
    ("extract manifest=good.csv -j 0", USAGE, "0 is not in the range"),
    ("extract manifest=good.csv -o good.csv/f.csv", DATA, "The folder 'good.csv' cannot be made"),
    ("feature F0final_sma_linregc3", USAGE, "Did you mean 'F0final_sma_linregc"),
    ("feature --set IS1O", USAGE, "There is no feature set 'IS1O'"),
    # experiments
    ("init toy.toml", USAGE, "toy.toml exists already; name another file, or add --force"),
    ("init no/x.toml", USAGE, "There is no folder 'no' to write x.toml into"),
    ("init x.toml --corpus emdob=emodb", USAGE, "Did you mean 'emodb'?"),
    ("show no.toml", USAGE, "`msfl init no.toml` writes a commented one"),
    ("train no.toml", USAGE, "`msfl init no.toml` writes a commented one"),
    ("train nothing", USAGE, "'nothing' is a folder; name the experiment file"),
    ("train latin.csv", USAGE, "latin.csv is not valid TOML"),
    ("train toy.toml --jobs 0", USAGE, "0 is not in the range"),
    ("train toy.toml --out toy.csv", USAGE, "'toy.csv' is a file"),
    ("train toy.toml --out emodb", DATA, "emodb is not empty and no run folder (it holds 'wav'); give --out"),
    # run folders
    ("results no", DATA, "There is no run folder 'no'. `msfl train EXPERIMENT` writes one."),
    ("results nothing", DATA, "nothing is not a run folder"),
    ("results run --task emotions", USAGE, "Did you mean 'emotion'?"),
    ("results run --metric uarr", USAGE, "Did you mean 'uar'?"),
    ("results run --against mayority", USAGE, "Did you mean 'majority'?"),
    ("results run --csv no/x.csv", USAGE, "There is no folder 'no' to write x.csv into"),
    ("results run --latex nothing", USAGE, "'nothing' is a directory"),
    ("rank nothing", DATA, "nothing is not a run folder"),
    ("rank run", DATA, "no model with attention has finished. Train one, such as msfl"),
    # predictions
    ("predict nothing good.wav", DATA, "nothing is not a run folder"),
    ("predict run", USAGE, "Name recordings, a folder, or a list"),
    ("predict run nothing", USAGE, "There are no recordings there"),
    ("predict run @no.txt", USAGE, "The list 'no.txt' cannot be read"),
    ("predict run good.wav", USAGE, "give those of the new recordings with --features-table"),
    ("predict run good.wav --features-table toy.csv", USAGE, "not both"),
    ("predict run --features-table no.csv", DATA, "There is no features table 'no.csv'"),
    ("predict run --features-table latin.csv", DATA, "latin.csv cannot be read as a table"),
    ("predict run --features-table few.csv", DATA, "lack 2 that run was trained on, such as 'f2'"),
    ("predict run --features-table toy.csv --model mayority", USAGE, "Did you mean 'majority'?"),
    ("predict run --features-table toy.csv --language-set dee", USAGE, "no language set 'dee'"),
    ("predict run --features-table toy.csv --csv no/x.csv", USAGE, "There is no folder 'no'"),
]


@pytest.mark.parametrize(("command", "code", "sentence"), COMMANDS, ids=[case[0] for case in COMMANDS])
def test_a_wrong_command_ends_in_one_sentence_and_changes_nothing(world, shell, command, code, sentence):
    before = contents(world)
    ended = shell(*command.split())
    assert (ended.code, ended.out) == (code, "")
    assert sentence in ended.error
    assert "\n" not in ended.error
    after = contents(world)
    after.pop("msfl-scan", None)
    assert after == before


def contents(folder):
    return {str(path.relative_to(folder)): path.is_file() and path.read_bytes() for path in folder.rglob("*")}


def swap(old, new):
    return lambda text: text.replace(old, new, 1)


def spoil(column, value, where="index == 0"):
    return lambda table: table.assign(**{column: table[column].where(~table.eval(where), value)})


EXPERIMENTS = {
    "unknown key": (
        swap("[training]", "[training]\nseed = 1"),
        USAGE,
        "no key 'training.seed'. Did you mean 'seeds'?",
    ),
    "unknown section": (
        swap("[training]", "[trainning]"),
        USAGE,
        "no key 'trainning'. Did you mean 'training'?",
    ),
    "no TOML": (swap("[data]", "[data"), USAGE, "toy.toml is not valid TOML"),
    "unknown reader": (swap('"manifest"', '"manifst"'), USAGE, "Did you mean 'manifest'?"),
    "unknown model": (swap("majority", "mayority"), USAGE, "no model 'mayority'. Did you mean 'majority'?"),
    "unknown protocol": (swap("loso", "losso"), USAGE, "Did you mean 'loso'?"),
    "unknown feature set": (swap("[data]", '[data]\nfeatures = "IS1O"'), USAGE, "no feature set 'IS1O'"),
    "unknown normalisation": (
        swap("[data]", '[data]\nnormalisation = "spaeker"'),
        USAGE,
        "Did you mean 'speaker'?",
    ),
    "unknown emotion": (
        swap("[data]", '[data]\nemotions = ["angr", "sadness"]'),
        USAGE,
        "Did you mean 'anger'?",
    ),
    "unknown language": (
        swap("[training]", '[training]\nlanguage_sets = [["dee"]]'),
        USAGE,
        "Did you mean 'de'?",
    ),
    "unknown task": (swap("[training]", '[training]\ntasks = ["emotoin"]'), USAGE, "Did you mean 'emotion'?"),
    "unknown parameter": (
        lambda text: text.replace("majority", "linear-svm") + "[model.linear-svm]\nc = 1\n",
        USAGE,
        "The model 'linear-svm' has no parameter 'c'",
    ),
    "no corpus there": (swap("toy.csv", "tay.csv"), DATA, "tay.csv'; correct its path"),
    "more folds than speakers": (swap("loso", "speaker-kfold:9"), USAGE, "write 'speaker-kfold:6' or fewer"),
    "one corpus under cross-corpus": (
        swap("loso", "cross-corpus"),
        DATA,
        "cross-corpus needs at least two corpora",
    ),
}


@pytest.mark.parametrize(("edit", "code", "sentence"), EXPERIMENTS.values(), ids=EXPERIMENTS)
def test_a_wrong_experiment_is_told_before_anything_is_trained(world, shell, edit, code, sentence):
    file = world / "toy.toml"
    assert edit(TOML) != TOML
    file.write_text(edit(TOML))
    ended = shell("train", file.name, "--out", "new", "--jobs", "1")
    assert ended.code == code
    assert sentence in ended.error
    assert "\n" not in ended.error
    assert not (world / "new" / "jobs").exists()


TABLES = {
    "one speaker under loso": (
        spoil("speaker", "anna", "language == 'it'"),
        "The language 'it' has one speaker only, 'toy/anna', so that nobody is left to train on",
    ),
    "no emotion shared": (
        spoil("emotion", "fear", "language == 'it'"),
        "The languages share 0 emotion(s) (none)",
    ),
    "one emotion shared": (
        spoil("emotion", "fear", "language == 'it' and emotion == 'anger'"),
        "The languages share 1 emotion(s) (sadness)",
    ),
    "one emotion": (spoil("emotion", "anger", "index >= 0"), "The languages share 1 emotion(s) (anger)"),
    "NaN": (
        spoil("f1", np.nan),
        "1 utterances (toy/de0anger0) have missing or infinite values in 1 features (f1)",
    ),
    "infinite": (
        spoil("f1", np.inf),
        "have missing or infinite values in 1 features (f1). Fill them or remove",
    ),
    "a word": (lambda table: table.assign(f1="loud"), "the column 'f1' is not numeric"),
    "a reserved name": (lambda table: table.assign(seed=1.0), "a feature cannot be called 'seed'"),
    "no feature": (lambda table: table.drop(columns=list(FEATURES)), "holds 0 feature column(s)"),
}


@pytest.mark.parametrize(("change", "sentence"), TABLES.values(), ids=TABLES)
def test_data_that_cannot_be_trained_on_end_in_one_sentence(world, shell, change, sentence):
    change(toy_table()).to_csv(world / "toy.csv", index=False)
    (world / "toy.toml").write_text(TOML.replace("[data]", '[data]\nemotions = "shared"'))
    ended = shell("train", "toy.toml", "--out", "new", "--jobs", "1", "-q")
    assert ended.code == DATA
    assert sentence in ended.error
    assert "\n" not in ended.error


def test_an_emotion_of_one_language_only_is_a_warning_with_a_way_out(world, shell):
    spoil("emotion", "fear", "language == 'it' and emotion == 'anger'")(toy_table()).to_csv(
        "toy.csv", index=False
    )
    for command in (("show", "toy.toml"), ("train", "toy.toml", "--out", "new", "--jobs", "1")):
        ended = shell(*command)
        assert ended.code == 0
        said = " ".join((ended.out + ended.err).split())
        assert "Warning: In one language only: anger (de), fear (it)." in said
        assert "data.emotions = 'shared' keeps what all languages have" in said


def test_recordings_that_are_none_are_rows_and_the_rest_is_scanned(world, shell):
    ended = shell("scan", "manifest=faulty.csv", "-o", "found", "--quiet")
    assert ended.code == DATA
    assert "Traceback" not in ended.err
    assert "1 of 7 files of 'faulty.csv' do not exist" in ended.err
    for stem in ("junk", "empty", "gone"):
        assert f"manifest/{stem}" in ended.out
    recordings = pd.read_parquet(world / "found" / "recordings.parquet")
    assert len(recordings) == 7
    assert recordings["problem"].notna().sum() == 3
    assert (world / "found" / "audit.json").is_file()


def test_recordings_that_are_none_are_rows_and_the_rest_is_extracted(world, shell):
    ended = shell("extract", "manifest=faulty.csv", "--features", "eGeMAPSv02", "-o", "f.csv", "--quiet")
    assert ended.code == DATA
    assert "2 extracted, 0 from the cache, 5 failed" in ended.out
    assert list(pd.read_csv("f.csv")["utterance"]) == ["manifest/better", "manifest/good"]
    reasons = pd.read_csv("f.failures.csv").set_index("utterance")["reason"]
    assert "empty file" in reasons["manifest/empty"]
    assert "not an audio file" in reasons["manifest/junk"]
    assert "does not exist" in reasons["manifest/gone"]
    assert "too short" in reasons["manifest/short"]
    assert "silence" in reasons["manifest/silent"]


def edited(**changes):
    def edit(run):
        file = run / "manifest.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | changes))

    return edit


RUNS = {
    "newer": (
        edited(schema_version=99, msfl_version="7.1"),
        "run was written by a newer msfl (7.1, schema 99",
    ),
    "older": (edited(schema_version=0), "run was written by an older msfl"),
    "foreign": (edited(kind="npm package"), "was not written by msfl"),
    "half a manifest": (
        lambda run: (run / "manifest.json").write_text('{"kind"'),
        "manifest.json is damaged",
    ),
    "no manifest": (
        lambda run: (run / "manifest.json").unlink(),
        "preparation was interrupted; repeat the `msfl",
    ),
    "a field gone": (edited(features={"set": "IS10"}), "manifest.json is damaged: features.count"),
    "damaged scores": (
        lambda run: (run / "scores.parquet").write_bytes(b"PAR1"),
        "scores.parquet is damaged",
    ),
    "no scores": (
        lambda run: (run / "scores.parquet").unlink(),
        "scores.parquet is missing: the run is incomplete",
    ),
}


@pytest.mark.parametrize(("edit", "sentence"), RUNS.values(), ids=RUNS)
def test_a_foreign_or_damaged_run_folder_ends_in_one_sentence(world, shell, edit, sentence):
    edit(world / "run")
    before = contents(world / "run")
    ended = shell("results", "run")
    assert (ended.code, ended.out) == (DATA, "")
    assert sentence in ended.error
    assert "\n" not in ended.error
    assert contents(world / "run") == before


@pytest.mark.parametrize("change", [{"schema_version": 99}, {"schema_version": 0}])
def test_a_run_folder_of_another_version_is_not_trained_into(world, shell, change):
    edited(**change)(world / "run")
    before = contents(world / "run")
    ended = shell("train", "toy.toml", "--out", "run", "--jobs", "1", "-q")
    assert ended.code == DATA
    assert "was written by a" in ended.error
    after = contents(world / "run")
    after.pop(".lock", None)
    before.pop(".lock", None)
    assert after == before


@pytest.fixture
def full_disk(monkeypatch):
    """From now on, or after so many files, the disk takes no more."""

    def fill(after=0):
        written = []
        sync = os.fsync

        def fsync(handle):
            written.append(handle)
            if len(written) > after:
                raise OSError(errno.ENOSPC, "No space left on device")
            sync(handle)

        monkeypatch.setattr(os, "fsync", fsync)
        return lambda: monkeypatch.setattr(os, "fsync", sync)

    return fill


FULL = [
    ("init new.toml", "'new.toml' cannot be written"),
    ("scan manifest=good.csv -o found --quiet", "'found/recordings.parquet' cannot be written"),
    ("extract manifest=good.csv --features eGeMAPSv02 --quiet", "'features.parquet' cannot be written"),
    ("results run --csv x.csv", "'x.csv' cannot be written"),
    ("predict run --features-table toy.csv --json x.json", "'x.json' cannot be written"),
    ("train toy.toml --out new --jobs 1 -q", "'new/utterances.parquet' cannot be written"),
]


@pytest.mark.parametrize(("command", "sentence"), FULL, ids=[case[0] for case in FULL])
def test_a_full_disk_is_told_with_the_file_and_leaves_no_half_files(
    world, shell, full_disk, command, sentence
):
    full_disk()
    before = contents(world)
    ended = shell(*command.split())
    assert ended.code == DATA
    assert f"{sentence}: No space left on device. Make room" in ended.error
    assert "\n" not in ended.error
    left = {name for name, content in contents(world).items() if content and name not in before}
    assert left == set()


def test_a_full_disk_loses_no_job_that_was_finished(world, shell, full_disk):
    command = ("train", "toy.toml", "--out", "new", "--jobs", "1")
    make_room = full_disk(after=9)
    ended = shell(*command)
    assert ended.code == DATA
    assert "what was finished is kept" in ended.error
    kept = len(list((world / "new" / "jobs").glob("*/job.json")))
    assert kept > 0
    make_room()
    again = shell(*command)
    assert again.code == 0
    assert f"{kept} of 12 jobs are finished already" in again.err
    whole, repaired = (pd.read_parquet(world / run / "predictions.parquet") for run in ("run", "new"))
    pd.testing.assert_frame_equal(whole, repaired)

"""The commented experiment file that `msfl init` writes."""

from __future__ import annotations

TEMPLATE = """\
# An experiment of msfl. `msfl show {file}` checks it and says what it comes to;
# `msfl train {file}` runs it.
# Relative paths start at the folder of this file.

{title}# names the run folder: runs/{name}

[corpora]
# label = "PATH"                     the label is the reader's name; `msfl corpora` lists the readers
# label = {{ reader = "manifest", path = "mine.csv", normalisation = "train", language = "de" }}
#   normalisation: where this corpus needs another one; language: a tag that replaces the reader's
{corpora}

[data]
emotions = "all"                     # "all", "shared" (what all languages have), or ["anger", "sadness"]
features = "IS10"                    # an openSMILE set; `msfl extract --help` lists them
normalisation = "train"              # "train", "corpus", "speaker" (uses unlabelled test recordings)
labelled = 1.0                       # share of the training utterances whose label of the main task is shown
# features_table = "features.csv"    # features of your own, with a column `utterance` or `file`

[protocol]
name = "speaker-kfold:5"             # "loso", "speaker-kfold:K", "cross-corpus", "leave-one-language-out";
                                     # "random-kfold:K" is speaker-dependent: its numbers are too good
seed = 0                             # everything random derives from it

[training]
language_sets = "monolingual+all"    # "monolingual", "all", "all-subsets", or a list: [["de"], ["de", "it"]]
models = ["msfl", "msfl-single-task", "linear-svm", "majority"]    # `msfl models` lists them
tasks = ["emotion", "language"]      # the main task first
seeds = 3                            # how many, or which: [0, 1, 2]
balancing = "gradnorm"               # "fixed", "gradnorm", "uncertainty", "dwa", "pcgrad"

# [model.msfl]                       # parameters of a model, where they differ from its defaults
# epochs = 40
"""


def experiment_file(name: str, corpora: dict[str, tuple[str, str]], *, file: str) -> str:
    """Return the text of a new experiment file.

    Args:
        name: Name of the experiment.
        corpora: Label -> reader and path; without any, an example stands as a comment.
        file: Name of the file, for the comments.
    """
    lines = [_corpus(label, reader, path) for label, (reader, path) in corpora.items()]
    listed = "\n".join(lines) or '# emodb = "path/to/emodb"'
    title = f"name = {_text(name)}".ljust(36) + " "
    return TEMPLATE.format(name=name, title=title, corpora=listed, file=file)


def _corpus(label: str, reader: str, path: str) -> str:
    key = _text(label) if "." in label else label
    if label == reader:
        return f"{key} = {_text(path)}"
    return f"{key} = {{ reader = {_text(reader)}, path = {_text(path)} }}"


def _text(value: str) -> str:
    """Write a string as TOML."""
    import json

    return json.dumps(value, ensure_ascii=False)

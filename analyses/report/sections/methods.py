"""What was done: a paragraph for the methods part of a paper, versions, references, and how to do it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from analyses.explanations import CONSENSUS
from analyses.report import references, words
from analyses.report.blocks import Block, Command, Fold, Heading, Paragraph, Points, Section, Table
from analyses.report.context import Context

ORDER = 20


def section(context: Context) -> Section:
    """Return the section."""
    import pandas as pd

    versions = dict(context.run.manifest.versions)
    if context.explanations is not None:
        versions |= context.explanations.manifest.versions
    frame = pd.DataFrame(sorted(versions.items()), columns=["package", "version"])
    parameters = _parameters(context)
    blocks: list[Block] = [
        Paragraph("The paragraphs below can be copied into the methods part of a paper."),
        *[Paragraph(text) for text in paragraphs(context)],
        Heading("References"),
        Points(references.of(context)),
        Heading("To do it again"),
        Paragraph(
            "The run folder holds the experiment with every setting; these commands make everything "
            "in this report anew."
        ),
        Command("\n".join([context.command("explain"), context.command("report", "-o report")])),
        Fold(
            "Versions and settings of the models",
            [Table("versions", "Versions", frame, rows=80), parameters],
            printed=False,
        ),
    ]
    return Section("What was done", "methods", blocks)


def paragraphs(context: Context) -> list[str]:
    """Return the methods paragraphs: data, features, models, protocol, scores, explanations."""
    return [_data(context), _features(context), _models(context), *_explanations(context)]


def _data(context: Context) -> str:
    table = context.run.utterances
    cited = references.corpora(context)
    parts = []
    for corpus, rows in table.groupby("corpus"):
        kinds = words.listed(sorted(rows["naturalness"].dropna().unique()))
        of = words.languages(sorted(rows["language"].dropna().unique()))
        source = f"; {references.short(cited[str(corpus)])}" if str(corpus) in cited else ""
        speakers = words.counted(int(rows["speaker"].nunique()), "speaker")
        parts.append(
            f"{corpus} ({of}{', ' + kinds if kinds else ''}, {speakers}, "
            f"{words.counted(len(rows), 'utterance')}{source})"
        )
    emotions = words.listed(sorted(context.emotions))
    synthetic = " The speech is synthetic." if context.run.manifest.data.synthetic else ""
    return (
        f"We used {words.counted(len(table), 'utterance')} from "
        f"{words.counted(len(parts), 'corpus', 'corpora')}: "
        f"{words.listed(parts)}. Labels were harmonised to "
        f"{words.counted(len(context.emotions), 'emotion')}: {emotions}.{synthetic}"
    )


def _features(context: Context) -> str:
    manifest = context.run.manifest
    if manifest.features.set == "own table":
        source = f"{manifest.features.count:,} features from a table of our own"
    else:
        version = manifest.versions.get("opensmile", "")
        source = (
            f"the {manifest.features.count:,} utterance-level features of the set "
            f"{manifest.features.set}, extracted "
            f"with openSMILE {version} from recordings mixed down to one channel and resampled to 16 kHz"
        )
    return f"Each utterance was described by {source}. Normalisation: {manifest.normalisation}."


def _models(context: Context) -> str:
    manifest = context.run.manifest
    jobs = [job for job in context.run.jobs if job.status == "done"]
    models = list(dict.fromkeys(job.model for job in jobs))
    seeds = sorted({job.seed for job in jobs})
    sets = [
        context.set_words(name)
        for name in manifest.language_sets
        if any(job.language_set == name for job in jobs)
    ]
    own = [job for job in jobs if job.model.startswith("msfl")]
    tasks = words.listed(list(dict.fromkeys(task.name for job in own for task in job.tasks)))
    balancing = references.balancing(context)
    balanced = f", balanced by {'GradNorm' if balancing == 'gradnorm' else balancing}" if balancing else ""
    network = (
        "The network, multitask-based shared feature learning (MSFL; Ma & Wang 2022, in the "
        "implementation msfl "
        f"{manifest.msfl_version}), reads the features one after the other with a long short-term "
        "memory (LSTM), weighs them by attention, and "
        f"learns the tasks {tasks} at once{balanced}. "
        if any(name.startswith("msfl") for name in models)
        else ""
    )
    papers = {paper: name for name in reversed(models) if (paper := references.system_paper(name))}
    others = "".join(
        f"{words.model(name)[0].upper()}{words.model(name)[1:]}: after {references.short(paper)}. "
        for paper, name in reversed(papers.items())
    )
    protocol = manifest.protocol
    independent = (
        "no speaker of the test part is in the training part"
        if protocol.speaker_independent
        else "the SAME speakers are in training and test part, so that the scores hold for known speakers "
        "only"
    )
    failed = sum(job.status != "done" for job in context.run.jobs)
    lost = (
        f" {words.counted(failed, 'job')} failed and {'is' if failed == 1 else 'are'} missing."
        if failed
        else ""
    )
    return (
        f"{network}{others}Models trained: {words.listed(words.model(name) for name in models)}; trained on "
        f"{words.listed(sets)}. "
        f"Protocol: {protocol.title} ({protocol.name}, seed {protocol.seed}): {independent}. Early "
        "stopping, where used, looked at speakers of the "
        f"training part only. Every model was trained with {words.counted(len(seeds), 'seed')}. "
        "Scores are unweighted average recall (UAR) on test "
        f"utterances; intervals are 95 %, by bootstrap over speakers.{lost}"
    )


def _explanations(context: Context) -> list[str]:
    if context.explanations is None:
        return [
            "Features were ranked by the network's attention on test utterances, averaged over "
            "utterances, then corpora, "
            "then languages, so that a large corpus does not drown a small one. Attention alone "
            "explains nothing (Jain & "
            "Wallace 2019; Wiegreffe & Pinter 2019)."
        ]
    manifest = context.explanations.manifest
    methods = words.listed(words.method(name) for name in context.methods if name != "consensus")
    consensus = (
        " A consensus was formed by robust rank aggregation over methods and repeats (Kolde et al. 2012)."
        if "consensus" in context.methods
        else ""
    )
    tests = [
        (
            "stability",
            "the stability of its first places over folds, seeds and orders of the features (Nogueira "
            "et al. 2018)",
        ),
        (
            "faithfulness",
            "its faithfulness to the model by deletion, insertion and retraining, against random rankings",
        ),
        ("sanity", "sanity checks with random parameters and labels (Adebayo et al. 2018)"),
        ("confound", "its agreement with a ranking for telling the languages apart"),
    ]
    done = [text for name, text in tests if context.explanations.has(name)]
    tested = f" Each ranking was tested by {words.listed(done)}." if done else ""
    return [
        f"Test utterances were explained with {methods}, each by the model that had not been trained on it"
        f"{_extent(context.methods, manifest.settings)}. Attributions "
        "were averaged over utterances, then corpora, then languages, so that a large corpus does not "
        "drown a small "
        f"one.{consensus}{tested}",
        *manifest.notes,
    ]


def _extent(methods: Sequence[str], settings: Mapping[str, Any]) -> str:
    """Say of which methods only a part of the utterances was explained."""
    from analyses.explain_choices import EXACT, UTTERANCES

    wanted, usual = settings.get("utterances_per_language"), UTTERANCES.get(str(settings.get("effort")), {})
    counts: dict[int, list[str]] = {}
    for name in methods:
        count = None if name in (*EXACT, CONSENSUS) else wanted or usual.get(name)
        if isinstance(count, int):
            counts.setdefault(count, []).append(words.method(name))
    told = [f"{words.listed(names)} at most {count} of each language" for count, names in counts.items()]
    return f" (with {'; with '.join(told)})" if told else ""


def _parameters(context: Context) -> Table:
    import pandas as pd

    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for job in context.run.jobs:
        for key, value in job.parameters.items():
            rows.setdefault((job.model, key), {"model": job.model, "parameter": key, "value": str(value)})
    frame = pd.DataFrame(list(rows.values()), columns=["model", "parameter", "value"])
    return Table("parameters", "Settings of the models", frame, rows=200)

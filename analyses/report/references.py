"""The papers behind what a run did, as they stand in the list of references."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from msfl.errors import MsflError

if TYPE_CHECKING:
    from analyses.report.context import Context

MSFL = (
    "Ma & Wang (2022). Multitask-based shared feature learning for speech emotion recognition. "
    "Applied Sciences "
    "12(24), 12805. doi:10.3390/app122412805"
)
SYSTEMS = {
    "mtl-cnn": "N. K. Kim et al. (2017). Speech emotion recognition based on multi-task learning using a convolutional "
    "neural network. APSIPA ASC, 704-707.",
    "attention-e2e": "Zhang, Wu & Schuller (2019). Attention-augmented end-to-end multi-task learning for emotion "
    "prediction from speech. ICASSP, 6705-6709.",
    "aggregated-mtl": 'J. Kim, Englebienne, Truong & Evers (2017). Towards speech emotion recognition "in the wild" '
    "using aggregated corpora and deep multi-task learning. INTERSPEECH, 1113-1117.",
    "semi-supervised-aae": "Latif et al. (2022). Multi-task semi-supervised adversarial autoencoding for speech "
    "emotion recognition. IEEE Transactions on Affective Computing 13(2), 992-1004.",
}
"""System of another paper -> that paper; here, because the systems themselves need TensorFlow to be asked."""
OPENSMILE = (
    "Eyben, Wöllmer & Schuller (2010). openSMILE: the Munich versatile and fast open-source audio feature "
    "extractor. ACM Multimedia, 1459-1462."
)
FEATURE_SETS = {
    "IS09": "Schuller, Steidl & Batliner (2009). The INTERSPEECH 2009 emotion challenge. INTERSPEECH, 312-315.",
    "IS10": "Schuller et al. (2010). The INTERSPEECH 2010 paralinguistic challenge. INTERSPEECH, 2794-2797.",
    "IS11": "Schuller et al. (2011). The INTERSPEECH 2011 speaker state challenge. INTERSPEECH, 3201-3204.",
    "IS12": "Schuller et al. (2012). The INTERSPEECH 2012 speaker trait challenge. INTERSPEECH, 254-257.",
    "IS13": "Schuller et al. (2013). The INTERSPEECH 2013 computational paralinguistics challenge. "
    "INTERSPEECH, 148-152.",
    "ComParE_2016": "Schuller et al. (2016). The INTERSPEECH 2016 computational paralinguistics challenge. "
    "INTERSPEECH, "
    "2001-2005.",
    "eGeMAPSv02": "Eyben et al. (2016). The Geneva minimalistic acoustic parameter set (GeMAPS) for voice research "
    "and "
    "affective computing. IEEE Transactions on Affective Computing 7(2), 190-202.",
}
BALANCERS = {
    "gradnorm": "Chen, Badrinarayanan, Lee & Rabinovich (2018). GradNorm: gradient normalization for adaptive "
    "loss "
    "balancing in deep multitask networks. ICML, 794-803.",
}
METHODS = {
    "attention": "Jain & Wallace (2019). Attention is not explanation. NAACL, 3543-3556; Wiegreffe & Pinter "
    "(2019). Attention is not "
    "not explanation. EMNLP, 11-20.",
    "shap": "Lundberg & Lee (2017). A unified approach to interpreting model predictions. NeurIPS, 4765-4774; "
    "Erion et al. (2021). "
    "Improving performance of deep learning models with axiomatic attribution priors and expected "
    "gradients. Nature Machine "
    "Intelligence 3, 620-631.",
    "owen": "Owen (1977). Values of games with a priori unions. Mathematical Economics and Game Theory, 76-88.",
    "permutation": "Breiman (2001). Random forests. Machine Learning 45, 5-32.",
    "consensus": "Kolde, Laur, Adler & Vilo (2012). Robust rank aggregation for gene list integration and "
    "meta-analysis. "
    "Bioinformatics 28(4), 573-580.",
}
TABLES = {
    "stability": "Nogueira, Sechidis & Brown (2018). On the stability of feature selection algorithms. JMLR "
    "18(174), 1-54.",
    "agreement": "Webber, Moffat & Zobel (2010). A similarity measure for indefinite rankings. ACM Transactions on "
    "Information Systems 28(4), 20.",
    "faithfulness": "DeYoung et al. (2020). ERASER: a benchmark to evaluate rationalized NLP models. ACL, 4443-4458; "
    "Hooker, Erhan, "
    "Kindermans & Kim (2019). A benchmark for interpretability methods in deep neural networks. "
    "NeurIPS, 9734-9745.",
    "sanity": "Adebayo et al. (2018). Sanity checks for saliency maps. NeurIPS, 9505-9515.",
    "effects": "Hedges (1981). Distribution theory for Glass's estimator of effect size and related estimators. "
    "Journal of "
    "Educational Statistics 6(2), 107-128.",
}


def of(context: Context) -> list[str]:
    """Return the references of a run: its corpora, features, model, and the methods that were used."""
    manifest = context.run.manifest
    found = [*corpora(context).values()]
    models = {job.model for job in context.run.jobs if job.status == "done"}
    if any(name.startswith("msfl") for name in models):
        found.append(MSFL)
    found += [paper for name in models if (paper := system_paper(name))]
    if manifest.features.set in FEATURE_SETS:
        found += [OPENSMILE, FEATURE_SETS[manifest.features.set]]
    found += [text for name, text in BALANCERS.items() if name in balancing(context)]
    found += [text for name, text in METHODS.items() if name in context.methods]
    found += [text for name, text in TABLES.items() if context.table(name, columns=[]) is not None]
    return sorted(dict.fromkeys(found))


def system_paper(model: str) -> str:
    """Return the paper of one of the systems of others; empty for MSFL, for baselines, and for what is unknown."""
    return next(
        (paper for name, paper in SYSTEMS.items() if model == name or model.startswith(f"{name}-")), ""
    )


def corpora(context: Context) -> dict[str, str]:
    """Return corpus -> the paper that its reader names; without those that have none."""
    from msfl.corpora import get_reader

    found = {}
    for label, source in _experiment(context, "corpora").items():
        try:
            reader = get_reader(str(source.get("reader", "")))
        except (MsflError, AttributeError):  # a reader of a package that is not installed here
            continue
        if reader.citation:
            found[str(label)] = reader.citation
    return found


def short(reference: str) -> str:
    """Return the authors and the year of a reference, or all before its first full stop where it names no year."""
    found = re.match(r".*?\(\d{4}\)", reference)
    return found[0] if found else reference.split(". ")[0].rstrip(".")


def balancing(context: Context) -> str:
    """Return the name of the loss balancer of MSFL in this run, empty where it learnt one task."""
    for job in context.run.jobs:
        if job.model in ("msfl", "msfl-paper") and job.parameters.get("balancing"):
            chosen = job.parameters["balancing"]
            return str(chosen.get("name", "")) if isinstance(chosen, dict) else str(chosen)
    return ""


def _experiment(context: Context, part: str) -> dict[str, Any]:
    found = context.run.manifest.experiment.get(part)
    return found if isinstance(found, dict) else {}

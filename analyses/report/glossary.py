"""The words of the field that the report uses, each in a sentence or two; and the abbreviations that pages explain."""

from __future__ import annotations

ABBREVIATIONS = {
    "BCP": "best current practice, here the standard for language tags",
    "CSV": "comma-separated values, a table that every spreadsheet opens",
    "F0": "fundamental frequency: how fast the vocal folds vibrate, heard as pitch",
    "LSTM": "long short-term memory, a neural network that reads a list step by step",
    "MFCC": "mel-frequency cepstral coefficient, a number that describes the shape of the spectrum",
    "MSFL": "multitask-based shared feature learning, the network of this report",
    "ROAR": "remove and retrain",
    "SHAP": "Shapley additive explanations",
    "SVM": "support vector machine, a classifier without a neural network",
    "UAR": "unweighted average recall",
}
"""Explained where they stand, on hover and in print at the end."""

TERMS = {
    "agreement at chance": "How much two rankings would agree if one of them were drawn at random. A figure says "
    "something only where it is clearly above that.",
    "attention": "A weight that the network itself gives to each feature of an utterance; the weights sum to one. "
    "It says where "
    "the network looked, not why it decided as it did.",
    "baseline": "A simple system that the network has to beat: always the most frequent emotion, or a linear "
    "classifier.",
    "BH, Holm": "Two corrections for looking at many features at once. Holm keeps the chance of a single false "
    "finding below 5 %; Benjamini-Hochberg (BH) keeps the share of false findings below 5 %.",
    "bootstrap over speakers": "An interval made by drawing the speakers again and again, with replacement: it "
    "says how much the number depends on who happened to be recorded.",
    "comprehensiveness": "How much the recognition drops when the features that a ranking puts first are taken away.",
    "consensus": "One ranking out of those of several methods and repeats (robust rank aggregation, Kolde et al. "
    "2012): "
    "features stand at its top if they are high in more lists than chance would put them.",
    "contour": "A measurement taken every 10 milliseconds, such as pitch or loudness: a curve over the "
    "utterance. "
    "Also called low-level descriptor.",
    "deletion, insertion": (
        "Features are removed (or put in) in the order of the ranking, and recognition is measured at "
        "each step. Deletion of important features must hurt sooner than deletion of random ones; "
        "insertion must help sooner."
    ),
    "eta squared": "The share of a feature's variation that goes with the emotion, from 0 to 1.",
    "faithful": "A ranking is faithful to its model if the model itself misses the features that it puts first.",
    "family": "Contours that measure the same side of the voice: pitch, loudness, voice quality, spectrum, "
    "cepstrum, "
    "line spectral frequencies, timing.",
    "feature": "One number for a whole utterance: a functional of a contour, such as the mean of the pitch "
    "contour.",
    "fold": "One part of the speakers is held back for testing, the model learns from the others; each part "
    "has its turn.",
    "functional": "A statistic that turns a contour into one number: mean, slope, quartile, maximum.",
    "GradNorm": "A rule that balances two tasks while the network learns both (Chen et al. 2018).",
    "Hedges' g": "The difference between two means in standard deviations, corrected for small samples. "
    "0.2 is small, 0.5 middling, 0.8 large.",
    "interval": "Unless it says otherwise, 95 %: a range that holds the true number in 95 of 100 such studies.",
    "Jaccard at k": "The number of features that two top lists of length k have in common, divided by the number in "
    "either of them: 0 to 1.",
    "Kendall's tau-b and W": (
        "How far two rankings (tau-b, -1 to 1) or many rankings (W, 0 to 1) put things into the same order."
    ),
    "Kruskal-Wallis": "A test whether a feature differs between emotions at all, by ranks, without assuming a normal "
    "distribution.",
    "language set": "The languages that a model was trained on: one alone, or several together.",
    "lift, weight": "How many times more important a feature is than the average feature: 1 × is what every "
    "feature would get if all counted alike.",
    "line spectral frequencies": "Another description of the resonances of the vocal tract; related to the formants.",
    "linear model": "A weighted sum of the features; its weights are the plain opponent of every other explanation.",
    "macro F1": "The mean over emotions of the harmonic mean of precision and recall.",
    "mel-frequency cepstral coefficients (MFCC)": (
        "Numbers that describe the shape of the spectrum as the ear resolves it."
    ),
    "monolingual, multilingual": "A monolingual model has heard one language, a multilingual one several.",
    "MSFL": "Multitask-based shared feature learning (Ma & Wang 2022): a network that reads the features of "
    "an "
    "utterance one after the other, weighs them by attention, and recognises emotion and language at once.",
    "Nogueira's index, Kuncheva's index": (
        "How steady a top list is when it is made again: 1 if always the same features are chosen, 0 if "
        "each is drawn at random; above .75 is excellent, below .40 poor."
    ),
    "Owen values": "SHAP values that share out credit first among families, then contours, then features, so that "
    "related features do not take it from each other at random.",
    "P": "The probability of a result at least this large if there were nothing but chance.",
    "permutation": "The values of a feature (or contour, or family) are shuffled among the utterances of a corpus; "
    "how "
    "much worse the recognition becomes is its importance.",
    "precision at k": "The share of the first k places that are right, here: that were planted.",
    "protocol": "The rule that says who is trained on and who is tested.",
    "rank-biased overlap": (
        "Agreement of two rankings, 0 to 1, in which the first places count most (Webber et al. 2010)."
    ),
    "repeat": "One fold and one seed: the same study done again with other speakers held back, or another start "
    "of the network.",
    "ROAR": "Remove and retrain (Hooker et al. 2019): the features that a ranking puts first are taken away, "
    "and a "
    "model is trained anew without them. The worse it gets, the better the ranking.",
    "seed": "The number that fixes everything random, such as the first weights of a network.",
    "SHAP": "Shapley additive explanations (Lundberg & Lee 2017): shares out the probability of an emotion "
    "among the features, "
    "so that the shares add up to it. Here by expected gradients (Erion et al. 2021).",
    "shared feature": (
        "A feature that matters in every language of the run; the three definitions stand in the section "
        "on shared features."
    ),
    "speaker-independent": "Nobody who is tested was heard in training.",
    "sufficiency": "How well the model recognises with nothing but the features that a ranking puts first; small "
    "loss is good.",
    "SVM": "Support vector machine: a classifier without a neural network.",
    "top k": "The first k places of a ranking.",
    "UAR": "Unweighted average recall: for each emotion the share of its utterances that are recognised, and "
    "the mean of "
    "these shares, so that a frequent emotion counts no more than a rare one. With five emotions, "
    "guessing gives .20.",
    "WAR": "Weighted average recall: the share of all utterances that are recognised.",
    "z-score": "A value minus the mean, divided by the standard deviation.",
}
"""In alphabetical order."""

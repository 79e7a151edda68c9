"""The baseline without a network: hand-made features, and the vote of the nearest neighbours."""

from dataclasses import replace
from functools import partial

import numpy as np
from sklearn.decomposition import PCA
from sklearn.feature_selection import SelectKBest, VarianceThreshold, f_classif
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from tqdm import tqdm

from ml.types import GreyFaces
from training.data.dataset import Labelling, Labels, Split
from training.data.votes import NO_MAJORITY
from training.errors import TrainingError
from training.fit.baseline.config import KnnConfig
from training.fit.baseline.features import extract

BATCH = 512
SEED = 2013  # for PCA's random projections


def build_pipeline(config: KnnConfig) -> Pipeline:
    """Build the pipeline from faces, (n, 48, 48), to predicted classes, (n,). It must be fitted before use."""
    extraction = partial(extract, kind=config.features, normalisation=config.normalisation, cell=config.cell)
    steps: list[tuple[str, object]] = [("features", FunctionTransformer(extraction))]
    if config.selection != "none":
        steps.append(("variance", VarianceThreshold(config.min_variance)))
    if config.selection == "anova":
        steps.append(("anova", SelectKBest(f_classif, k=config.components)))
    if config.selection == "pca":
        steps.append(("pca", PCA(config.components, svd_solver="randomized", random_state=SEED)))
    nearest = KNeighborsClassifier(
        config.neighbours, metric=config.metric, weights=config.weights, algorithm="brute", n_jobs=-1
    )
    return Pipeline([*steps, ("neighbours", nearest)])


def learn(train: Split, config: KnnConfig) -> Pipeline:
    """Fit the pipeline to the training faces, with fewer `components` if the faces cannot give as many.

    Raises TrainingError if there are fewer faces than neighbours, or no feature passes the selection.
    """
    if len(train.labels) < config.neighbours:
        raise TrainingError(
            f"{config.neighbours} neighbours are asked for, and there are only {len(train.labels)} training faces."
        )
    pipeline = build_pipeline(config)
    extraction = [name for name in pipeline.named_steps if name in ("features", "variance")]
    # A slice shares its steps with the whole pipeline, so fitting both slices fits the pipeline.
    first, rest = pipeline[: len(extraction)], pipeline[len(extraction) :]
    try:
        found = first.fit_transform(train.faces)
        if config.selection == "anova":
            rest.set_params(anova__k=min(config.components, found.shape[1]))
        if config.selection == "pca":
            rest.set_params(pca__n_components=min(config.components, *found.shape))
        rest.fit(found, train.labels)
    except ValueError as error:
        raise TrainingError(f"These features cannot be learned from: {error}") from error
    return pipeline


def classify(pipeline: Pipeline, faces: GreyFaces) -> Labels:
    """Return the class of each face, with a progress bar on a terminal."""
    parts = [
        pipeline.predict(faces[start : start + BATCH])
        for start in tqdm(range(0, len(faces), BATCH), "Classifying", unit="block", leave=False, disable=None)
    ]
    return np.concatenate(parts)


def keep_labelled(split: Split, labelling: Labelling) -> Split:
    """Keep the faces that have a label. Raises TrainingError if none has one, or the votes are missing."""
    labels = split.labels_by(labelling)
    if not (labels != NO_MAJORITY).any():
        raise TrainingError("No image has a label to compare with.")
    return replace(split, labels=labels)[labels != NO_MAJORITY]

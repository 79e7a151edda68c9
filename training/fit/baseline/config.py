"""The settings of the baseline. They lie apart from their use, so that --help answers at once."""

from dataclasses import dataclass
from typing import Literal, get_args

Normalisation = Literal["none", "intensity", "equalise", "clahe"]
FeatureKind = Literal["hog", "lbp", "hog+lbp", "pixels"]
Selection = Literal["none", "variance", "anova", "pca"]
Metric = Literal["euclidean", "manhattan", "cosine"]
Weights = Literal["uniform", "distance"]
CellSide = Literal[6, 8, 12, 16]  # in pixels; each divides a face's 48

NORMALISATIONS: tuple[Normalisation, ...] = get_args(Normalisation)
FEATURE_KINDS: tuple[FeatureKind, ...] = get_args(FeatureKind)
SELECTIONS: tuple[Selection, ...] = get_args(Selection)
METRICS: tuple[Metric, ...] = get_args(Metric)
WEIGHTS: tuple[Weights, ...] = get_args(Weights)
CELL_SIDES: tuple[CellSide, ...] = get_args(CellSide)
WITH_COMPONENTS: tuple[Selection, ...] = ("anova", "pca")


@dataclass(frozen=True, slots=True)
class KnnConfig:
    """The defaults were chosen on FER-2013's validation split; docs/data.md has the figures."""

    normalisation: Normalisation = "none"  # HOG and LBP even out the light themselves
    features: FeatureKind = "hog+lbp"
    cell: CellSide = 8  # for HOG and LBP
    selection: Selection = "pca"  # all but "none" first drop features with little variance
    min_variance: float = 0.0  # features that vary no more than this are dropped
    components: int = 200  # the number of features that anova keeps or PCA makes
    neighbours: int = 15
    metric: Metric = "cosine"
    weights: Weights = "distance"  # near neighbours count more; with "uniform" all count the same

"""Reports how bright the faces are and how much contrast they have."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ml.labels import EMOTIONS
from training.figures.eda.collection import Collection
from training.figures.report import ReportFigure, Section

BINS = 52
FLAT = 10  # standard deviation in grey levels; below it hardly anything can be seen

Measure = NDArray[np.float64]  # (n,), grey levels


def describe_light(collection: Collection) -> Section:
    """Show brightness and contrast by split and by class."""
    flat = collection.faces.reshape(len(collection), -1)
    brightness, contrast = flat.mean(axis=1), flat.std(axis=1, dtype=np.float32).astype(np.float64)
    text = (
        "Brightness is the mean of a face's grey levels (0 black, 255 white), contrast their standard deviation. "
        f"Faces with a contrast below {FLAT}, which show hardly anything: {int((contrast < FLAT).sum()):,}. "
        "Both differ far more from face to face than from class to class: they say little about the expression, "
        "and the networks get faces with both taken out."
    )
    figures = [
        ReportFigure(
            "light-by-split", _by_split(collection, brightness, contrast), "Brightness and contrast by split."
        ),
        ReportFigure(
            "light-by-class",
            _by_class(collection, brightness, contrast),
            "By class: the box holds the middle half of the faces, the whiskers nine tenths, the line is the median.",
        ),
    ]
    return Section("Intensity and contrast", text, figures, _table(collection, brightness, contrast))


def _table(collection: Collection, brightness: Measure, contrast: Measure) -> pd.DataFrame:
    rows = []
    for index, emotion in enumerate(EMOTIONS):
        of_class = collection.labels == index
        rows.append([emotion, *(_middle(measure[of_class]) for measure in (brightness, contrast))])
    return pd.DataFrame(rows, columns=["class", "brightness: median (5% to 95%)", "contrast: median (5% to 95%)"])


def _middle(values: Measure) -> str:
    if not values.size:
        return "none"
    low, median, high = np.percentile(values, [5, 50, 95])
    return f"{median:.0f} ({low:.0f} to {high:.0f})"


def _by_split(collection: Collection, brightness: Measure, contrast: Measure) -> Figure:
    figure, axes = _two_panels()
    for axis, measure, highest in zip(axes, (brightness, contrast), (255, 130), strict=True):
        for index, name in enumerate(collection.names):
            of_split = measure[collection.split == index]
            weights = np.full(len(of_split), 100 / max(len(of_split), 1))
            axis.hist(
                of_split, bins=BINS, range=(0, highest), weights=weights, histtype="step", linewidth=1.6, label=name
            )
        axis.set_ylabel("% of the split")
    axes[1].legend(frameon=False)
    return figure


def _by_class(collection: Collection, brightness: Measure, contrast: Measure) -> Figure:
    figure, axes = _two_panels()
    for axis, measure in zip(axes, (brightness, contrast), strict=True):
        classes = [measure[collection.labels == index] for index in range(len(EMOTIONS))]
        axis.boxplot(
            classes, orientation="horizontal", tick_labels=EMOTIONS, whis=(5, 95), showfliers=False, widths=0.6
        )
        axis.invert_yaxis()
    return figure


def _two_panels() -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(10, 3.8), layout="constrained")
    axes = list(figure.subplots(1, 2))
    for axis, words in zip(axes, ("brightness (mean grey level)", "contrast (standard deviation)"), strict=True):
        axis.set_xlabel(words)
        axis.spines[["top", "right"]].set_visible(False)
    return figure, axes

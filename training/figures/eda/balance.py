"""Counts the faces of each class in each split."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ml.labels import EMOTIONS
from training.figures.eda.collection import Collection
from training.figures.report import ReportFigure, Section


def describe_balance(collection: Collection) -> Section:
    """Show how many faces each class has in each split."""
    counts = _counts(collection)
    shares = counts / np.maximum(counts.sum(axis=0), 1)
    table = pd.DataFrame({"class": [*EMOTIONS, "all"]})
    for column, name in enumerate(collection.names):
        cells = [f"{n:,} ({share:.1%})" for n, share in zip(counts[:, column], shares[:, column], strict=True)]
        table[name] = [*cells, f"{counts[:, column].sum():,}"]
    table["all"] = [f"{n:,}" for n in [*counts.sum(axis=1), counts.sum()]]
    figure = ReportFigure("class-balance", _bars(collection, shares), "Share of each class in each split.")
    return Section("Class balance", _text(counts.sum(axis=1)), [figure], table)


def _counts(collection: Collection) -> NDArray[np.int64]:
    counts = np.zeros((len(EMOTIONS), len(collection.names)), np.int64)
    np.add.at(counts, (collection.labels, collection.split), 1)
    return counts


def _text(counts: NDArray[np.int64]) -> str:
    missing = [EMOTIONS[index] for index in np.flatnonzero(counts == 0)]
    present = np.flatnonzero(counts)
    most, least = present[counts[present].argmax()], present[counts[present].argmin()]
    text = (
        f"The largest class, {EMOTIONS[most]}, has {counts[most] / counts[least]:.1f} times the faces of the smallest, "
        f"{EMOTIONS[least]}. To answer always {EMOTIONS[most]} is right in {counts[most] / counts.sum():.1%}."
    )
    return text + (f"\nWithout any face: {', '.join(missing)}." if missing else "")


def _bars(collection: Collection, shares: NDArray[np.float64]) -> Figure:
    figure = Figure(figsize=(10, 4), layout="constrained")
    axes = figure.subplots()
    width = 0.8 / len(collection.names)
    for column, name in enumerate(collection.names):
        places = np.arange(len(EMOTIONS)) + (column - (len(collection.names) - 1) / 2) * width
        axes.bar(places, shares[:, column] * 100, width * 0.92, label=name)
    axes.set_xticks(range(len(EMOTIONS)), EMOTIONS)
    axes.set_ylabel("% of the split")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    return figure

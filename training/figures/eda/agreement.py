"""Compares the two labellings of FER-2013: its own, and the majority of FER+'s ten people."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ml.labels import EMOTIONS
from training.data.dataset import Labels
from training.data.votes import NO_MAJORITY, Votes
from training.figures.eda.collection import Collection
from training.figures.report import ReportFigure, Section

Matrix = NDArray[np.int64]  # (7, 8): FER-2013's label by FER+'s majority, whose last column means none


def describe_agreement(collection: Collection, votes: Votes) -> Section:
    """Say how often both labellings name the same class."""
    matrix = count_agreement(collection.labels, votes.majority())
    agreed, with_majority = matrix[:, :-1].diagonal().sum(), matrix[:, :-1].sum()
    text = (
        f"FER+'s majority is FER-2013's label in {agreed / matrix.sum():.1%} of all faces, and in "
        f"{agreed / max(with_majority, 1):.1%} of the {with_majority:,} faces ({with_majority / matrix.sum():.1%}) for "
        "which more than half of the votes name one of the seven classes."
    )
    caption = "A row for each FER-2013 label: % of its faces by the majority of the FER+ votes."
    return Section(
        "Agreement with FER+", text, [ReportFigure("agreement", draw_heat_map(matrix), caption)], _table(matrix)
    )


def count_agreement(labels: Labels, majority: Labels) -> Matrix:
    """Count the faces by label and majority; faces with NO_MAJORITY are in the last column."""
    matrix = np.zeros((len(EMOTIONS), len(EMOTIONS) + 1), np.int64)
    np.add.at(matrix, (labels, np.where(majority == NO_MAJORITY, len(EMOTIONS), majority)), 1)
    return matrix


def _table(matrix: Matrix) -> pd.DataFrame:
    table = pd.DataFrame(matrix, columns=[*EMOTIONS, "no majority"]).map("{:,}".format)
    table.insert(0, "FER-2013 label", [*EMOTIONS])
    return table


def draw_heat_map(matrix: Matrix) -> Figure:
    """Draw the matrix with the share of each row in per cent."""
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1) * 100
    figure = Figure(figsize=(8.5, 5.6), layout="constrained")
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=100, aspect="auto")
    axes.set_xticks(range(len(EMOTIONS) + 1), [*EMOTIONS, "no majority"])
    axes.set_yticks(range(len(EMOTIONS)), EMOTIONS)
    axes.set(xlabel="majority of the FER+ votes", ylabel="FER-2013 label")
    axes.axvline(len(EMOTIONS) - 0.5, color="white", linewidth=3)
    for (row, column), share in np.ndenumerate(shares):
        axes.text(column, row, f"{share:.0f}", ha="center", va="center", color="white" if share > 55 else "black")
    return figure

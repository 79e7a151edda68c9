"""Writes the figures of an evaluation as an HTML report for people."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from training.figures.confidence import BINS
from training.figures.evaluated import Evaluated
from training.figures.evaluation import Evaluation
from training.figures.metrics import Metrics
from training.figures.report import ReportFigure, Section, write_report

LABELS_OF = {"fer": "FER-2013's labels", "ferplus": "FER+'s labels, the majority of ten people"}
BLUE, ORANGE, GREY, GREEN = "#2f6fb0", "#d9822b", "#8a8f98", "#3f8f5b"


def write_evaluation_report(evaluated: Evaluated, folder: Path) -> Path:
    """Write `folder`/report.html and its PNGs, and return the page. Raises TrainingError if that fails."""
    sections = [
        Section("Figures", _describe_figures(evaluated), table=_tabulate_summary(evaluated)),
        Section(
            "Emotions",
            figures=[_draw_class_bars(evaluated.all_images.metrics), _draw_confusion(evaluated.all_images.metrics)],
            table=_tabulate_classes(evaluated.all_images.metrics),
        ),
        Section(
            "Confidence",
            "A confidence is honest if of all answers given with 70%, 70% are right. The calibration error is the mean"
            f" distance from that over {BINS} bins of equal width, weighted by their faces (Guo et al. 2017).",
            figures=[_draw_reliability(evaluated.all_images), _draw_risk_coverage(evaluated)],
        ),
    ]
    return write_report(
        folder,
        f"How good {evaluated.model} is",
        f"Scored on {_describe_data(evaluated)}. What a face appears to show says little of what its owner feels.",
        sections,
    )


def _describe_data(evaluated: Evaluated) -> str:
    if evaluated.without_face is not None:
        return f"the whole photos of {evaluated.data}, the largest face of each, against the photos' labels"
    return f"the {evaluated.split} split of {evaluated.data} against {LABELS_OF[evaluated.labels]}"


def _describe_figures(evaluated: Evaluated) -> str:
    at = evaluated.all_images.at_threshold
    text = (
        f"Below a confidence of {evaluated.uncertain_below:.0%} the model's answer counts as uncertain. At this"
        f" threshold it answers {at.answered:.1%} of the faces, {at.right or 0:.1%} of these rightly."
    )
    if not evaluated.uncertain_below:
        text = "This model has no threshold below which an answer counts as uncertain."
    if evaluated.all_images.without_majority:
        text += f"\n{evaluated.all_images.without_majority:,} images without a majority of votes are left out."
    if evaluated.all_images.of_other_classes:
        text += (
            f"\n{evaluated.all_images.of_other_classes:,} images of classes that the model does not know are left out."
        )
    if evaluated.without_face:
        text += (
            f"\n{evaluated.without_face:,} photos without a found face count as wrong, and are in no column of the"
            " confusion matrix. The figures of the confidence are of the others."
        )
    return text


def _tabulate_summary(evaluated: Evaluated) -> pd.DataFrame:
    rows = {"all images": evaluated.all_images, "without near-duplicates": evaluated.without_near_duplicates}
    table = pd.DataFrame(
        {
            "": name,
            "images": f"{each.metrics.images:,}",
            "accuracy": f"{each.metrics.accuracy:.1%}",
            "macro-F1": f"{each.metrics.macro_f1:.3f}",
            "calibration error": f"{each.confidence.calibration_error:.3f}",
        }
        for name, each in rows.items()
        if each is not None
    )
    if evaluated.milliseconds_a_face is not None:
        table["ms a face"] = f"{evaluated.milliseconds_a_face:.1f}"
    return table


def _tabulate_classes(metrics: Metrics) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "appears": emotion,
            "images": of_class.images,
            "precision": f"{of_class.precision:.2f}",
            "recall": f"{of_class.recall:.2f}",
            "F1": f"{of_class.f1:.2f}",
        }
        for emotion, of_class in metrics.classes.items()
    )


def _axes(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots()


def _draw_class_bars(metrics: Metrics) -> ReportFigure:
    figure, axes = _axes(9, 3.8)
    places = np.arange(len(metrics.classes))
    for shift, (name, colour) in enumerate((("precision", BLUE), ("recall", ORANGE), ("f1", GREEN))):
        values = [getattr(of_class, name) for of_class in metrics.classes.values()]
        axes.bar(places + (shift - 1) * 0.27, values, 0.25, label=name.replace("f1", "F1"), color=colour)
    axes.set_xticks(places, [f"{emotion}\n{each.images:,} images" for emotion, each in metrics.classes.items()])
    axes.set(ylim=(0, 1), ylabel="0 to 1")
    axes.grid(axis="y", alpha=0.3)
    axes.set_axisbelow(True)
    axes.legend(ncols=3, loc="upper center", bbox_to_anchor=(0.5, 1.14), frameon=False)
    return ReportFigure("classes", figure, "Precision, recall and F1 of each emotion.")


def _draw_confusion(metrics: Metrics) -> ReportFigure:
    """Draw the counts, coloured by their share of the label's row."""
    counts = np.array(metrics.confusion)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure, axes = _axes(7.6, 6)
    picture = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), share in np.ndenumerate(shares):
        colour = "white" if share > 0.5 else "black"
        axes.text(column, row, f"{counts[row, column]:,}\n{share:.0%}", ha="center", va="center", color=colour, size=9)
    axes.set_xticks(range(len(metrics.classes)), list(metrics.classes), rotation=30)
    axes.set_yticks(range(len(metrics.classes)), list(metrics.classes))
    axes.set(xlabel="the model's answer", ylabel="label")
    figure.colorbar(picture, label="share of the label's images", shrink=0.8)
    caption = "Confusion matrix: a row for each label, a column for each answer; images and their share of the row."
    return ReportFigure("confusion", figure, caption)


def _draw_reliability(evaluation: Evaluation) -> ReportFigure:
    figure = Figure(figsize=(6, 6.4), layout="constrained")
    above, below = figure.subplots(2, height_ratios=(3, 1), sharex=True)
    bins = evaluation.confidence.reliability
    edges, width = [each.above for each in bins], 1 / BINS
    filled = [each for each in bins if each.faces]
    above.bar(edges, [each.accuracy for each in bins], width, align="edge", color=BLUE, edgecolor="white")
    above.plot([0, 1], [0, 1], color=GREY, linestyle="--", label="honest")
    above.plot(
        [each.confidence for each in filled], [each.accuracy for each in filled], "o", color=ORANGE, label="bins"
    )
    above.set(ylim=(0, 1), xlim=(0, 1), ylabel="share of right answers")
    above.legend(loc="upper left")
    below.bar(edges, [each.faces for each in bins], width, align="edge", color=GREY, edgecolor="white")
    below.set(xlabel="confidence", ylabel="faces")
    error = evaluation.confidence.calibration_error
    caption = f"Reliability: how often answers of each confidence are right. Calibration error {error:.3f}."
    return ReportFigure("reliability", figure, caption)


def _draw_risk_coverage(evaluated: Evaluated) -> ReportFigure:
    figure, axes = _axes(7, 4.4)
    points = evaluated.all_images.confidence.risk_coverage
    thresholds = [point.threshold for point in points]
    right = [np.nan if point.right is None else point.right for point in points]
    axes.plot(thresholds, [point.answered for point in points], "o-", color=BLUE, markersize=4, label="faces answered")
    axes.plot(thresholds, right, "o-", color=GREEN, markersize=4, label="of these right")
    if evaluated.uncertain_below:
        axes.axvline(evaluated.uncertain_below, color=GREY, linestyle=":", label="the model's threshold")
    axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="answers from this confidence on", ylabel="share")
    axes.grid(alpha=0.3)
    axes.legend(loc="lower left")
    caption = "What a threshold gives: the share of faces that are answered, and how many of these rightly."
    return ReportFigure("risk-coverage", figure, caption)

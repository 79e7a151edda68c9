"""Draws the curves of a training run."""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from training.fit.run_folder import find_best_epoch


def plot_curves(log: pd.DataFrame, file: Path) -> None:
    """Draw accuracy and loss by epoch, of training and validation, as a PNG with the best epoch marked."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    axes = figure.subplots(1, 2)
    epochs = log["epoch"] + 1
    best = find_best_epoch(log)
    for axis, metric in zip(axes, ("accuracy", "loss"), strict=True):
        axis.plot(epochs, log[metric], label="training")
        axis.plot(epochs, log[f"val_{metric}"], label="validation")
        axis.axvline(best, color="grey", linestyle=":", label=f"best epoch ({best})")
        axis.set(xlabel="epoch", ylabel=metric)
        axis.grid(alpha=0.3)
        axis.legend()
    figure.savefig(file, dpi=120)

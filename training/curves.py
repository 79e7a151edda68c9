"""Pictures of a training run."""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from training.run_folder import best_epoch


def plot_curves(log: pd.DataFrame, file: Path) -> None:
    """Accuracy and loss by epoch, training and validation, as a PNG; the best epoch is marked."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    axes = figure.subplots(1, 2)
    epochs = log["epoch"] + 1
    best = best_epoch(log)
    for axis, metric in zip(axes, ("accuracy", "loss"), strict=True):
        axis.plot(epochs, log[metric], label="training")
        axis.plot(epochs, log[f"val_{metric}"], label="validation")
        axis.axvline(best, color="grey", linestyle=":", label=f"best epoch ({best})")
        axis.set(xlabel="epoch", ylabel=metric)
        axis.grid(alpha=0.3)
        axis.legend()
    figure.savefig(file, dpi=120)

"""`loss.png`: the training and validation loss of a run."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure


def plot_loss(log: Sequence[dict[str, float]], path: Path) -> None:
    """Draw loss (nats per answer token) over optimiser steps."""
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot([row["step"] for row in log], [row["loss"] for row in log], label="training")
    checked = [row for row in log if "validation_loss" in row]
    if checked:
        axes.plot(
            [row["step"] for row in checked],
            [row["validation_loss"] for row in checked],
            marker="o",
            label="validation",
        )
    axes.set(xlabel="optimiser step", ylabel="loss, nats per answer token", title="Tuning")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=120)

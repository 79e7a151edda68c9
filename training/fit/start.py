"""Loads the weights that a training begins with: a released model's, or those of one epoch of a run."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import keras

from ml.labels import Emotion
from ml.registry import CARD_FILE
from training.errors import TrainingError
from training.fit.compiling import compile_model
from training.fit.recorder import averaged_weights, load_state
from training.fit.run_folder import BEST_FILE, LATEST_FILE, NETWORK_FILE, find_best_epoch, read_log, read_record
from training.fit.trained import build_network, load_network

Epoch = Literal["best", "latest"]
Classes = tuple[Emotion, ...]


@dataclass(frozen=True, slots=True)
class Start:
    folder: Path  # of a release or a run
    epoch: Epoch = "best"  # for a run

    @property
    def file(self) -> Path:
        """Return the network's file. Raises TrainingError if there is none."""
        release, best, latest = (self.folder / name for name in (NETWORK_FILE, BEST_FILE, LATEST_FILE))
        for file in [release, best] if self.epoch == "best" else [latest]:
            if file.is_file():
                return file
        if self.epoch == "latest":
            raise TrainingError(
                f"{self.folder} has no {LATEST_FILE}. Only a run with a finished epoch has one, and runs of earlier"
                " versions have none."
            )
        raise TrainingError(
            f"{self.folder} has neither {NETWORK_FILE} nor {BEST_FILE}. Name a run's folder, or a released model's."
        )

    @property
    def classes(self) -> Classes:
        """Return the classes in the order of the network's answers. Raises TrainingError if no file names them."""
        if self.file.name != NETWORK_FILE:
            return read_record(self.folder).config.classes
        card = self.folder / CARD_FILE
        try:
            return tuple(Emotion(each) for each in json.loads(card.read_text(encoding="utf-8"))["classes"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise TrainingError(
                f"{card} does not say which classes {NETWORK_FILE} tells apart. Put the model's own card beside it."
            ) from error


@dataclass(frozen=True, slots=True)
class StartingNetwork:
    """The network whose weights a training begins with."""

    network: keras.Model
    file: Path
    sha256: str  # of the file
    classes: Classes  # that the network tells apart
    message: str  # for people


def load_start(start: Start) -> StartingNetwork:
    """Load the network. Raises TrainingError if it is missing or damaged, or if no file names its classes."""
    file = start.file
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    network = load_latest_network(start.folder) if start.epoch == "latest" else load_network(file)
    return StartingNetwork(
        network, file, sha256, start.classes, f"It begins with the weights of {_describe_source(start, file)}."
    )


def _describe_source(start: Start, file: Path) -> str:
    if file.name == NETWORK_FILE:
        return f"the released model {start.folder}"
    log = read_log(start.folder)
    if log.empty:
        return f"{file}"
    best = find_best_epoch(log)
    if start.epoch == "latest" or best == len(log):
        return f"epoch {len(log)} of {start.folder}, its latest"
    return f"epoch {best} of {start.folder}, its best of {len(log)}; --from-epoch latest takes epoch {len(log)}"


def load_latest_network(run: Path) -> keras.Model:
    """Load the network after the run's last finished epoch, with its averaged weights if it has any."""
    config = read_record(run).config
    network = build_network(config)
    compile_model(network, config, steps=1)
    load_state(network, run)
    with averaged_weights(network):
        weights = network.get_weights()
    network.set_weights(weights)
    return network

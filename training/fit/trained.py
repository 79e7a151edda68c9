"""Builds networks, and loads trained ones."""

import zipfile
from pathlib import Path

import keras

from training.config import TrainingConfig
from training.errors import TrainingError
from training.fit.architectures import ARCHITECTURES, GROWN_FROM
from training.fit.run_folder import BEST_FILE, NETWORK_FILE, read_log, read_record


def build_network(config: TrainingConfig) -> keras.Model:
    """Build the network of the configuration, with random weights."""
    return ARCHITECTURES[config.architecture](config.labellings, len(config.classes))


def load_best_network(run: Path) -> keras.Model:
    """Load the network of the run's best epoch, in float32 whatever it was trained in.

    A network trained under mixed_bfloat16 keeps its weights in float32 but computes in bfloat16, and ONNX Runtime
    refuses a bfloat16 convolution. Raises TrainingError if the run has no finished epoch or has lost its network.
    """
    file = find_best_file(run)
    record = read_record(run)
    if not file.exists():
        if finished := len(read_log(run)):
            raise TrainingError(f"{run} has lost its {BEST_FILE}: its log has {finished} epochs. Put the file back.")
        raise TrainingError(f"{run} has no {BEST_FILE}: no epoch of it is finished yet.")
    trained = load_network(file)
    keras.config.set_dtype_policy("float32")
    network = build_network(record.config)
    take_weights(network, trained, file)
    return network


def find_best_file(run: Path) -> Path:
    """Return the file of the run's best epoch. A release that keeps its network serves as well as its run."""
    best, released = run / BEST_FILE, run / NETWORK_FILE
    return released if released.exists() and not best.exists() else best


def load_network(file: Path) -> keras.Model:
    """Load a .keras file. Raises TrainingError if it is damaged."""
    try:
        return keras.models.load_model(file, compile=False)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise TrainingError(f"{file} is damaged: Keras cannot read it. Restore it or train again.") from error


def take_weights(network: keras.Model, trained: keras.Model, file: Path) -> None:
    """Give `network` the weights of `trained`, which was read from `file`.

    If `trained` is the smaller architecture that `network` begins with, the layers that both have get its weights.
    Raises TrainingError if the architectures do not fit, or the outputs differ.
    """
    if GROWN_FROM.get(network.name) == trained.name:
        return _take_common_weights(network, trained)
    if _describe(trained) != _describe(network):
        raise TrainingError(
            f"{file} holds the network {_describe(trained)}, not {_describe(network)}: its weights do not fit."
        )
    try:
        network.set_weights(trained.get_weights())
    except ValueError as error:
        raise TrainingError(f"{file} holds {trained.name} in another form: its weights do not fit.") from error


def _take_common_weights(network: keras.Model, trained: keras.Model) -> None:
    """Take over the weights of all layers from the first on, until one has another form."""
    for layer, former in zip(_layers_with_weights(network), _layers_with_weights(trained), strict=False):
        if [each.shape for each in layer.weights] != [each.shape for each in former.weights]:
            return
        layer.set_weights(former.get_weights())


def _layers_with_weights(network: keras.Model) -> list[keras.Layer]:
    return [layer for layer in network.layers if layer.weights]


def _describe(network: keras.Model) -> str:
    return f"{network.name!r} with {' and '.join(sorted(network.output_names))}"

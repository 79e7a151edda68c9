"""The best network of a run, ready to be scored or exported."""

from pathlib import Path

import keras

from training.architectures import ARCHITECTURES
from training.errors import TrainingError
from training.run_folder import BEST_FILE, read_record


def best_network(run: Path) -> keras.Model:
    """The network of the run's best epoch, in float32 whatever it was trained in.

    A network trained under mixed_bfloat16 keeps its weights in float32 but computes in bfloat16, and ONNX
    Runtime refuses a bfloat16 convolution. Raises TrainingError if the run has no finished epoch.
    """
    file = run / BEST_FILE
    record = read_record(run)
    if not file.exists():
        raise TrainingError(f"{run} has no {BEST_FILE}: no epoch of it is finished yet.")
    try:
        trained = keras.models.load_model(file, compile=False)
    except (OSError, ValueError) as error:
        raise TrainingError(f"{file} cannot be read: {error}") from error
    keras.config.set_dtype_policy("float32")
    network = ARCHITECTURES[record.config.architecture](record.config.labellings)
    network.set_weights(trained.get_weights())
    return network

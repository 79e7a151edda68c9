"""Writes and restores checkpoints: runs small enough to commit, from which training can go on elsewhere.

A checkpoint is a run's folder without the state of the optimizer, and with weights in half precision. Whatever reads a
run's folder reads a checkpoint too. A training that goes on from it begins with the averaged weights of the last epoch,
at the same epoch and rate. Only the momentum is lost, which ten steps rebuild.
"""

import io
import shutil
import tempfile
import zipfile
from functools import partial
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from training.errors import TrainingError
from training.files import write_atomically
from training.fit.run_folder import (
    AVERAGED_FILE,
    BEST_FILE,
    CONFIG_FILE,
    CURVES_FILE,
    LOG_FILE,
    find_best_epoch,
    read_log,
    read_record,
)

WEIGHTS_FILE = "model.weights.h5"  # inside a .keras file, which is a ZIP archive
OPTIMIZER = "optimizer"  # a group in WEIGHTS_FILE
NOTHING_WRITTEN = "The checkpoint is as it was."


def write_checkpoint(run: Path, folder: Path) -> None:
    """Make `folder` the checkpoint of the run's last finished epoch, in place of an older one of the same run.

    Raises TrainingError if no epoch is finished, `folder` holds another run, or it cannot be written.
    """
    from training.fit.start import load_latest_network  # here, because a run is restored without TensorFlow

    record, log = read_record(run), read_log(run)
    best = find_best_epoch(log)
    if (folder / CONFIG_FILE).exists() and read_record(folder).config != record.config:
        raise TrainingError(f"{folder} holds the checkpoint of a run with other settings. Name another folder.")
    _write_half(run / BEST_FILE, folder / BEST_FILE)
    if best < len(log):  # otherwise the last epoch is the best one
        with tempfile.TemporaryDirectory() as temporary:
            whole = Path(temporary) / BEST_FILE
            load_latest_network(run).save(whole)
            _write_half(whole, folder / AVERAGED_FILE)
    else:
        (folder / AVERAGED_FILE).unlink(missing_ok=True)
    for name in (CONFIG_FILE, LOG_FILE, CURVES_FILE):
        write_atomically(folder / name, partial(shutil.copyfile, run / name), NOTHING_WRITTEN)


def restore_run(checkpoint: Path, run: Path) -> None:
    """Copy a checkpoint into a new run's folder, whole or not at all. Raises TrainingError if that fails."""
    unfinished = run.with_name(f"partial-{run.name}")
    try:
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.copytree(checkpoint, unfinished)
        if not (unfinished / AVERAGED_FILE).exists():
            (unfinished / AVERAGED_FILE).parent.mkdir(exist_ok=True)
            shutil.copyfile(unfinished / BEST_FILE, unfinished / AVERAGED_FILE)
        unfinished.rename(run)
    except OSError as error:
        raise TrainingError(f"{run} cannot be begun from {checkpoint} ({error.strerror or error}).") from error


def _write_half(network: Path, file: Path) -> None:
    """Copy a .keras file with weights in half precision and without the state of its optimizer.

    Raises TrainingError if the file is damaged or a weight is too large.
    """
    try:
        with zipfile.ZipFile(network) as whole:
            parts = {name: whole.read(name) for name in whole.namelist()}
        parts[WEIGHTS_FILE] = _half_weights(parts[WEIGHTS_FILE], network)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise TrainingError(f"{network} is damaged: it is no .keras file. {NOTHING_WRITTEN}") from error

    def write(file: Path) -> None:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as half:
            for name, content in parts.items():
                half.writestr(name, content)

    write_atomically(file, write, NOTHING_WRITTEN)


def _half_weights(content: bytes, network: Path) -> bytes:
    """Return the content of an HDF5 file with half-precision weights and without the optimizer."""
    half = io.BytesIO()
    with h5py.File(io.BytesIO(content)) as whole, h5py.File(half, "w") as copy:

        def take(name: str, item: h5py.Group | h5py.Dataset) -> None:
            if name.split("/")[0] == OPTIMIZER:
                return
            if isinstance(item, h5py.Group):
                taken = copy.require_group(name)
            else:
                taken = copy.create_dataset(name, data=_as_half(item[()], network))
            taken.attrs.update(item.attrs)

        whole.visititems(take)
    return half.getvalue()


def _as_half(weights: NDArray[np.float32], network: Path) -> NDArray[np.float16]:
    with np.errstate(over="ignore"):
        half = weights.astype(np.float16)
    if not np.isfinite(half).all():
        raise TrainingError(f"{network} has weights that half precision cannot hold. {NOTHING_WRITTEN}")
    return half

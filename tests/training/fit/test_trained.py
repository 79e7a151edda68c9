"""Keras files that an earlier version wrote."""

import zipfile
from pathlib import Path

import keras
import numpy as np

from training.fit.architectures import add_heads
from training.fit.losses import AdjustedCrossentropy
from training.fit.recorder import load_state
from training.fit.trained import load_network


def build(shares: np.ndarray) -> keras.Model:
    face = keras.Input((4,), name="face")
    network = add_heads(face, face, ("fer",), 7, "small")
    network.compile("sgd", loss={"fer": AdjustedCrossentropy(shares, 1.0)})
    return network


def test_a_network_is_read_whose_loss_was_saved_under_another_module(tmp_path: Path) -> None:
    shares = np.full(7, 1 / 7, np.float32)
    network, former = build(shares), tmp_path / "backup" / "latest.keras"
    network.save(tmp_path / "today.keras")
    former.parent.mkdir()
    with zipfile.ZipFile(tmp_path / "today.keras") as today, zipfile.ZipFile(former, "w") as file:
        for name in today.namelist():
            content = today.read(name)
            assert name != "config.json" or b"training.fit.losses" in content
            file.writestr(name, content.replace(b"training.fit.losses", b"training.losses"))

    np.testing.assert_array_equal(load_network(former).get_weights()[0], network.get_weights()[0])
    other = build(shares)
    load_state(other, tmp_path)
    np.testing.assert_array_equal(other.get_weights()[0], network.get_weights()[0])

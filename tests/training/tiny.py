"""A data file and a network small enough to train within a test."""

from pathlib import Path

import numpy as np

ARCHITECTURE = "tiny"
EPOCHS = 4
IMAGES = {"Training": 42, "PublicTest": 14, "PrivateTest": 14}


def write_csv(file: Path, header: str = "emotion,pixels,Usage") -> Path:
    """Noise with a bright bar whose height tells the class, so that there is something to learn."""
    random = np.random.default_rng(7)
    lines = [header]
    for usage, count in IMAGES.items():
        for index in range(count):
            emotion = index % 7
            face = random.integers(0, 80, (48, 48))
            face[emotion * 6 : emotion * 6 + 6] += 150
            lines.append(f"{emotion},{' '.join(map(str, face.ravel()))},{usage}")
    file.write_text("\n".join(lines) + "\n")
    return file


def register() -> None:
    """Make the tiny network known to `--architecture`."""
    import keras

    from training.architectures import ARCHITECTURES

    def tiny() -> keras.Model:
        image = keras.Input((48, 48, 1), name="face")
        features = keras.layers.Conv2D(4, 5, strides=4, padding="same")(image)
        features = keras.layers.ReLU()(keras.layers.BatchNormalization()(features))
        logits = keras.layers.Dense(7)(keras.layers.Flatten()(features))
        return keras.Model(image, keras.layers.Softmax(dtype="float32")(logits))

    ARCHITECTURES[ARCHITECTURE] = tiny


def train_arguments(csv: Path, run: Path, *, epochs: int = EPOCHS, precision: str = "float32") -> list[str]:
    return [
        "train",
        *("--data", str(csv), "--cache", str(csv.parent / "cache"), "--run", str(run)),
        *("--architecture", ARCHITECTURE, "--epochs", str(epochs), "--batch-size", "8"),
        *("--precision", precision, "--learning-rate", "0.01"),
    ]

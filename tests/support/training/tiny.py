"""Make data files and networks that are small enough to train within a test."""

from pathlib import Path

import numpy as np

ARCHITECTURE = "tiny"
POOLED = "tiny-pooled"  # takes faces of any size, and learns both labellings in two phases
EPOCHS = 4
IMAGES = {"Training": 42, "PublicTest": 14, "PrivateTest": 14}


def write_csv(file: Path, header: str = "emotion,pixels,Usage") -> Path:
    """Write noise with a bright bar whose height depends on the class, so that there is something to learn."""
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


def write_votes(file: Path) -> Path:
    """Write FER+ votes for the rows of write_csv: eight of ten people see the label, but not on the third row."""
    lines = ["Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"]
    columns = [5, 6, 7, 2, 4, 3, 1]  # of angry, disgust, ..., neutral, counted from 1
    for usage, count in IMAGES.items():
        for index in range(count):
            votes = [0] * 10
            votes[columns[index % 7] - 1] = 4 if index == 2 else 8
            votes[7] = 4 if index == 2 else 2
            lines.append(f"{usage},fer{index:07d}.png,{','.join(map(str, votes))}")
    file.write_text("\n".join(lines) + "\n")
    return file


def register() -> None:
    """Make the tiny networks known to `--architecture`."""
    import keras

    from training.config import RECIPES, TrainingConfig
    from training.fit.architectures import ARCHITECTURES, FER, Labellings, add_heads

    def tiny(labellings: Labellings = FER, classes: int = 7) -> keras.Model:
        face = keras.Input((48, 48, 1), name="face")
        return add_heads(face, keras.layers.Flatten()(_features(face)), labellings, classes, ARCHITECTURE)

    def pooled(labellings: Labellings = FER, classes: int = 7) -> keras.Model:
        face = keras.Input((None, None, 1), name="face")
        return add_heads(face, keras.layers.GlobalAveragePooling2D()(_features(face)), labellings, classes, POOLED)

    def _features(face: keras.KerasTensor) -> keras.KerasTensor:
        features = keras.layers.Conv2D(4, 5, strides=4, padding="same")(face)
        return keras.layers.ReLU()(keras.layers.BatchNormalization()(features))

    ARCHITECTURES.update({ARCHITECTURE: tiny, POOLED: pooled})
    RECIPES[ARCHITECTURE] = TrainingConfig(architecture=ARCHITECTURE)
    RECIPES[POOLED] = TrainingConfig(
        architecture=POOLED,
        ferplus=True,
        optimizer="sgd",
        averaging=0.8,
        weight_decay=1e-3,
        augmentation="strong",
        mixup=0.2,
        small_epochs=2,
    )


def train_both_arguments(csv: Path, run: Path, *, epochs: int = EPOCHS) -> list[str]:
    """Return the arguments to learn two labellings in two phases, the first of which uses small faces."""
    return [
        "train",
        *("--data", str(csv), "--votes", str(csv.parent / "votes.csv"), "--cache", str(csv.parent / "cache")),
        *("--run", str(run), "--architecture", POOLED, "--epochs", str(epochs), "--batch-size", "8"),
        *("--learning-rate", "0.05"),
    ]


def train_arguments(csv: Path, run: Path, *, epochs: int = EPOCHS, precision: str = "float32") -> list[str]:
    """Return the arguments to learn FER-2013's labels in one phase."""
    return [
        "train",
        *("--data", str(csv), "--cache", str(csv.parent / "cache"), "--run", str(run)),
        *("--architecture", ARCHITECTURE, "--epochs", str(epochs), "--batch-size", "8"),
        *("--precision", precision, "--learning-rate", "0.01"),
    ]

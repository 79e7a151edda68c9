"""The settings of a training and the recipes that bring their defaults. Loads no training framework."""

from dataclasses import dataclass, field
from typing import Final, Literal

from ml.labels import EMOTIONS, Emotion
from ml.types import Preprocessing
from training.data.dataset import IMAGE_SIZE, Labelling

SMALL_SIZE = 32  # side in pixels of the faces in the first epochs, see TrainingConfig.small_epochs
MIXED_PART = 0.85  # of all epochs; the last ones see unmixed faces

OptimizerName = Literal["adam", "sgd"]
AugmentationName = Literal["none", "light", "strong", "photo"]


@dataclass(frozen=True, slots=True)
class Phase:
    """Epochs that are trained alike."""

    end: int  # the number of epochs done when the phase ends
    size: int  # side of the faces in pixels
    mixup: float  # see TrainingConfig


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """What a training is asked for. A run's config.json has these fields under the same names."""

    architecture: str = "reference-cnn"
    ferplus: bool = False  # whether the network also learns the votes of FER+
    classes: tuple[Emotion, ...] = EMOTIONS  # that it tells apart; faces of other classes are left out
    epochs: int = 22
    batch_size: int = 64
    optimizer: OptimizerName = "adam"
    # The rate falls to zero along half a cosine. With Adam's usual 1e-3 the reference CNN's first loss is 7, and
    # after an epoch it still answers "happy" to everything (validation accuracy 25%; with 2e-4 37%).
    learning_rate: float = 2e-4
    weight_decay: float = 0.0  # decoupled (Loshchilov and Hutter 2019); for SGD only
    averaging: float = 0.0  # share of the old value in the moving average of the weights; for SGD only
    label_smoothing: float = 0.0  # of FER-2013's labels
    logit_adjustment: float = 0.0  # strength of fit.losses.AdjustedCrossentropy; 0 for the plain loss
    teacher_share: float = 0.0  # of the teachers' answers in the targets; the rest is the labels
    augmentation: AugmentationName = "light"
    mixup: float = 0.0  # see fit.augmentation.mix; the last epochs, by MIXED_PART, are unmixed
    small_epochs: int = 0  # the first epochs see faces of SMALL_SIZE, which takes less than half the time
    # By default Keras does not compile on a CPU. Without AVX-512, compiling nearly halves the time of a step of the
    # residual network; with AVX-512, where TensorFlow's own convolutions are good, a step takes 1.3 times as long.
    jit_compile: bool | Literal["auto"] = "auto"
    precision: str = "float32"
    seed: int = 2013
    preprocessing: Preprocessing = field(default=Preprocessing(IMAGE_SIZE, 1.0, "standardise"))

    @property
    def labellings(self) -> tuple[Labelling, ...]:
        return ("fer", "ferplus") if self.ferplus else ("fer",)

    def phases(self) -> list[Phase]:
        """Return the parts of the training in order; one ends where the size of the faces changes or mixing stops."""
        last_mixed = round(self.epochs * MIXED_PART) if self.mixup else 0
        ends = sorted({min(end, self.epochs) for end in (self.small_epochs, last_mixed, self.epochs) if end > 0})
        return [
            Phase(
                end=end,
                size=SMALL_SIZE if end <= self.small_epochs else self.preprocessing.size,
                mixup=self.mixup if end <= last_mixed else 0.0,
            )
            for end in ends
        ]


RECIPES: Final = {  # the defaults of each architecture
    "reference-cnn": TrainingConfig(),
    "residual": TrainingConfig(
        architecture="residual",
        ferplus=True,
        epochs=14,
        optimizer="sgd",
        learning_rate=0.05,
        weight_decay=4e-3,
        averaging=0.998,
        label_smoothing=0.05,
        small_epochs=10,
        jit_compile=True,
    ),
    "residual-large": TrainingConfig(
        architecture="residual-large",
        ferplus=True,
        epochs=150,
        batch_size=128,
        optimizer="sgd",
        learning_rate=0.08,
        weight_decay=4e-3,
        averaging=0.998,
        label_smoothing=0.05,
        augmentation="photo",
        mixup=0.2,
        small_epochs=30,
    ),
}

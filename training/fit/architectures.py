"""Builds the networks that can be trained, by name. Uses Keras without naming a backend.

Each network maps normalised faces, (batch, 48, 48, 1), to one set of probabilities for each labelling that it learns,
in a dictionary by the labelling's name. The layer before a softmax is named "logits_" and the labelling.
"""

from collections.abc import Callable, Sequence

import keras
from keras import layers

from ml.labels import EMOTIONS
from training.data.dataset import IMAGE_SIZE

Labellings = Sequence[str]
FER: Labellings = ("fer",)
RESIDUAL_BLOCKS = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1))  # filters, stride


def reference_cnn(labellings: Labellings = FER, classes: int = len(EMOTIONS)) -> keras.Model:
    """Build the CNN of the reference system: three blocks of two linear convolutions, then a softmax.

    It has 1,670,343 parameters with 7 classes, 1,661,126 with 6 (its printed summary).
    """
    face = keras.Input((IMAGE_SIZE, IMAGE_SIZE, 1), name="face")
    features = face
    for filters, kernel in ((64, 5), (128, 5), (256, 3)):
        features = layers.Conv2D(filters, kernel, padding="same")(features)
        features = layers.Conv2D(filters, kernel, padding="same")(features)
        features = layers.BatchNormalization()(features)
        features = layers.ReLU()(features)
        features = layers.MaxPooling2D(2)(features)
    return add_heads(face, layers.Flatten()(features), labellings, classes, "reference-cnn")


def residual(labellings: Labellings = FER, classes: int = len(EMOTIONS)) -> keras.Model:
    """Build five residual blocks (He et al. 2016) with squeeze-and-excitation (Hu et al. 2018): 2.7 million parameters.

    It pools over whatever size its last features have, so it also takes faces of other sizes than 48x48.
    """
    return _residual(RESIDUAL_BLOCKS, 0.2, labellings, classes, "residual")


def residual_large(labellings: Labellings = FER, classes: int = len(EMOTIONS)) -> keras.Model:
    """Build the residual network with two more blocks at its end: 6.2 million parameters, a third more to compute."""
    return _residual((*RESIDUAL_BLOCKS, (256, 1), (384, 2)), 0.3, labellings, classes, "residual-large")


def _residual(
    blocks: Sequence[tuple[int, int]], dropout: float, labellings: Labellings, classes: int, name: str
) -> keras.Model:
    face = keras.Input((None, None, 1), name="face")
    features = _convolve(face, 64, kernel=5, stride=2)
    for filters, stride in blocks:
        features = _residual_block(features, filters, stride)
    features = layers.Dropout(dropout)(layers.GlobalAveragePooling2D()(features))
    return add_heads(face, features, labellings, classes, name)


def _convolve(features: keras.KerasTensor, filters: int, kernel: int, stride: int = 1) -> keras.KerasTensor:
    features = layers.Conv2D(filters, kernel, strides=stride, padding="same", use_bias=False)(features)
    return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(features))


def _residual_block(features: keras.KerasTensor, filters: int, stride: int) -> keras.KerasTensor:
    """Add two convolutions, weighted by channel, to the features that came in."""
    shortcut = features
    if stride > 1:  # pooling loses no pixel, as skipping would (He et al. 2019, "ResNet-D")
        shortcut = layers.AveragePooling2D(stride, padding="same")(shortcut)
    if shortcut.shape[-1] != filters:
        shortcut = layers.Conv2D(filters, 1, use_bias=False)(shortcut)
        shortcut = layers.BatchNormalization(momentum=0.9)(shortcut)
    change = _convolve(features, filters, kernel=3, stride=stride)
    change = layers.Conv2D(filters, 3, padding="same", use_bias=False)(change)
    change = layers.BatchNormalization(momentum=0.9)(change)
    weights = layers.GlobalAveragePooling2D(keepdims=True)(change)
    weights = layers.Dense(filters // 8, activation="relu")(weights)
    weights = layers.Dense(filters, activation="sigmoid")(weights)
    return layers.ReLU()(layers.Add()([layers.Multiply()([change, weights]), shortcut]))


def add_heads(
    face: keras.KerasTensor, features: keras.KerasTensor, labellings: Labellings, classes: int, name: str
) -> keras.Model:
    """Return the network that ends in one softmax over `features` for each labelling."""
    scores = {}
    for labelling in labellings:
        logits = layers.Dense(classes, name=f"logits_{labelling}")(features)
        # Computed in float32 whatever the compute type is, because a softmax in bfloat16 keeps two digits.
        scores[labelling] = layers.Softmax(dtype="float32", name=labelling)(logits)
    return keras.Model(face, scores, name=name)


ARCHITECTURES: dict[str, Callable[[Labellings, int], keras.Model]] = {  # called with labellings and number of classes
    "reference-cnn": reference_cnn,
    "residual": residual,
    "residual-large": residual_large,
}
# An architecture that begins with the layers of another, whose weights it can therefore take over.
GROWN_FROM = {"residual-large": "residual"}

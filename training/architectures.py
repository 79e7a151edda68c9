"""The networks that can be trained, by name. Keras without naming a backend."""

from collections.abc import Callable

import keras
from keras import layers

from ml.labels import EMOTIONS
from training.data import IMAGE_SIZE


def reference_cnn(classes: int = len(EMOTIONS)) -> keras.Model:
    """The CNN of the reference system: three blocks of two linear convolutions, then one softmax.

    Input (48, 48, 1), normalised; output `classes` probabilities. 1,670,343 parameters with 7
    classes, 1,661,126 with 6 (its printed summary).
    """
    image = keras.Input((IMAGE_SIZE, IMAGE_SIZE, 1), name="face")
    features = image
    for filters, kernel in ((64, 5), (128, 5), (256, 3)):
        features = layers.Conv2D(filters, kernel, padding="same")(features)
        features = layers.Conv2D(filters, kernel, padding="same")(features)
        features = layers.BatchNormalization()(features)
        features = layers.ReLU()(features)
        features = layers.MaxPooling2D(2)(features)
    logits = layers.Dense(classes, name="logits")(layers.Flatten()(features))
    # In float32 whatever the compute type is: a softmax in bfloat16 keeps two digits.
    scores = layers.Softmax(dtype="float32", name="scores")(logits)
    return keras.Model(image, scores, name="reference-cnn")


ARCHITECTURES: dict[str, Callable[[], keras.Model]] = {"reference-cnn": reference_cnn}

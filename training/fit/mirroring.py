"""Averages a network's answers over the face and its mirror image."""

import keras
from keras import ops


def average_with_mirror_image(network: keras.Model) -> keras.Model:
    """Return a network with the same input and outputs whose logits are the mean of the logits of both views.

    It shares the weights of `network`, whose layer before each softmax is named "logits_" and the output. The logits
    are averaged, not the probabilities, so that a temperature means the same before and after.
    """
    before_softmax = {name: network.get_layer(f"logits_{name}").output for name in network.output_names}
    logits = keras.Model(network.inputs[0], before_softmax)
    face = keras.Input(network.input_shape[1:], name="face")
    # Both views go into one batch, so that the network runs once.
    views = ops.concatenate([face, ops.flip(face, axis=2)], axis=0)
    scores = {}
    for name, values in logits(views).items():
        both = ops.reshape(values, (2, -1, values.shape[-1]))
        scores[name] = keras.layers.Softmax(dtype="float32", name=name)(ops.mean(both, axis=0))
    return keras.Model(face, scores, name=network.name)

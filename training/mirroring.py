"""A network that answers with the mean over the face and its mirror image."""

import keras
from keras import ops


def with_mirror_image(network: keras.Model) -> keras.Model:
    """The network of the same input and outputs whose logits are the mean of both views' logits.

    It shares the weights of `network`, whose layers before each softmax are called "logits_" and the output's name. The
    logits are averaged, not the probabilities, so that a temperature means the same before and after.
    """
    before_softmax = {name: network.get_layer(f"logits_{name}").output for name in network.output_names}
    logits = keras.Model(network.inputs[0], before_softmax)
    face = keras.Input(network.input_shape[1:], name="face")
    views = ops.concatenate([face, ops.flip(face, axis=2)], axis=0)  # one batch of both: once through the network
    scores = {}
    for name, values in logits(views).items():
        of_both = ops.reshape(values, (2, -1, values.shape[-1]))
        scores[name] = keras.layers.Softmax(dtype="float32", name=name)(ops.mean(of_both, axis=0))
    return keras.Model(face, scores, name=network.name)

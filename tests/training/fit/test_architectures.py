from keras import layers

from training.fit.architectures import reference_cnn


def test_has_the_references_parameter_counts() -> None:
    assert reference_cnn(classes=6).count_params() == 1_661_126
    assert reference_cnn().count_params() == 1_670_343


def test_six_outputs_have_the_references_trainable_parameters() -> None:
    network = reference_cnn(classes=6)
    assert sum(weight.shape.num_elements() for weight in network.trainable_weights) == 1_660_230


def test_each_block_is_two_linear_convolutions_then_norm_relu_and_pooling() -> None:
    kinds = [type(layer) for layer in reference_cnn().layers]
    block = [layers.Conv2D, layers.Conv2D, layers.BatchNormalization, layers.ReLU, layers.MaxPooling2D]
    assert kinds == [layers.InputLayer, *block * 3, layers.Flatten, layers.Dense, layers.Softmax]


def test_convolutions_are_the_references() -> None:
    convolutions = [layer for layer in reference_cnn().layers if isinstance(layer, layers.Conv2D)]
    assert [(layer.filters, layer.kernel_size) for layer in convolutions] == [
        (64, (5, 5)),
        (64, (5, 5)),
        (128, (5, 5)),
        (128, (5, 5)),
        (256, (3, 3)),
        (256, (3, 3)),
    ]
    assert all(layer.use_bias and layer.padding == "same" for layer in convolutions)
    assert {layer.activation.__name__ for layer in convolutions} == {"linear"}


def test_maps_grey_faces_to_probabilities() -> None:
    network = reference_cnn()
    assert network.input_shape == (None, 48, 48, 1)
    assert network.output_names == ["fer"]
    assert network.output_shape == (None, 7)

"""How a configured network is trained: its losses, its optimizer and their description for the card."""

import keras

from training.run_folder import TrainingConfig

MOMENTUM = 0.9
WARM_UP = 0.08  # part of the training during which the rate rises from nothing


def compile_model(model: keras.Model, config: TrainingConfig, steps: int) -> None:
    """Give the network its losses and an optimizer whose rate falls to zero along half a cosine within `steps`."""
    losses = {"fer": keras.losses.CategoricalCrossentropy(label_smoothing=config.label_smoothing)}
    if config.ferplus:
        losses["ferplus"] = keras.losses.CategoricalCrossentropy()
    model.compile(
        _optimizer(config, steps),
        loss=losses,
        jit_compile=config.jit_compile,
        weighted_metrics={labelling: [keras.metrics.CategoricalAccuracy("accuracy")] for labelling in losses},
    )


def _optimizer(config: TrainingConfig, steps: int) -> keras.optimizers.Optimizer:
    if config.optimizer == "adam":
        return keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(config.learning_rate, steps))
    warm_up = round(steps * WARM_UP)
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, steps - warm_up, warmup_target=config.learning_rate, warmup_steps=warm_up
    )
    optimizer = keras.optimizers.SGD(
        schedule,
        momentum=MOMENTUM,
        nesterov=True,
        weight_decay=config.weight_decay,
        use_ema=True,
        ema_momentum=config.averaging,
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


def describe_loss(config: TrainingConfig) -> str:
    smoothed = f", smoothed by {config.label_smoothing:g}" if config.label_smoothing else ""
    votes = ", and of how FER+'s votes divide, added up" if config.ferplus else ""
    share = config.teacher_share
    taught = f"; the labels mixed with {share:.0%} of what teachers answer" if share else ""
    return f"categorical cross-entropy of FER-2013's labels{smoothed}{votes}{taught}"


def describe_optimizer(config: TrainingConfig) -> str:
    if config.optimizer == "adam":
        return "Adam, learning rate falling to zero along half a cosine"
    return (
        f"SGD with Nesterov momentum {MOMENTUM:g} and decoupled weight decay, learning rate rising during the first"
        f" {WARM_UP:.0%} of the steps, then falling to zero along half a cosine; the moving average of the weights is"
        " what is validated and released"
    )

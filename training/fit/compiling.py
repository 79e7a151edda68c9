"""Gives a network the losses and the optimizer of its configuration, and describes them for the card."""

from collections.abc import Mapping

import keras
import numpy as np
from numpy.typing import NDArray

from training.config import TrainingConfig
from training.fit.losses import AdjustedCrossentropy

MOMENTUM = 0.9
WARM_UP = 0.08  # share of the training during which the rate rises from zero

ClassShares = Mapping[str, NDArray[np.float32]]  # by labelling: the share of each class


def compile_model(model: keras.Model, config: TrainingConfig, steps: int, shares: ClassShares | None = None) -> None:
    """Give the network its losses and an optimizer whose rate falls to zero along half a cosine within `steps`.

    If the configuration asks for it, the losses are adjusted for the shares of the classes.
    """
    losses = {"fer": _loss(config, "fer", shares, config.label_smoothing)}
    if config.ferplus:
        losses["ferplus"] = _loss(config, "ferplus", shares, 0.0)
    model.compile(
        _optimizer(config, steps),
        loss=losses,
        jit_compile=config.jit_compile,
        weighted_metrics={labelling: [keras.metrics.CategoricalAccuracy("accuracy")] for labelling in losses},
    )


def _loss(
    config: TrainingConfig, labelling: str, shares: ClassShares | None, label_smoothing: float
) -> keras.losses.Loss:
    if config.logit_adjustment and shares:
        return AdjustedCrossentropy(shares[labelling], config.logit_adjustment, label_smoothing)
    return keras.losses.CategoricalCrossentropy(label_smoothing=label_smoothing)


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
    """Describe the loss for people."""
    smoothed = f", smoothed by {config.label_smoothing:g}" if config.label_smoothing else ""
    votes = ", and of how FER+'s votes divide, added up" if config.ferplus else ""
    share = config.teacher_share
    taught = f"; the labels mixed with {share:.0%} of what teachers answer" if share else ""
    tau = config.logit_adjustment
    adjusted = (
        f"; the logits raised by {tau:g} times the logarithm of the classes' shares (arXiv 2007.07314)" if tau else ""
    )
    return f"categorical cross-entropy of FER-2013's labels{smoothed}{votes}{taught}{adjusted}"


def describe_optimizer(config: TrainingConfig) -> str:
    """Describe the optimizer and its rate for people."""
    if config.optimizer == "adam":
        return "Adam, learning rate falling to zero along half a cosine"
    return (
        f"SGD with Nesterov momentum {MOMENTUM:g} and decoupled weight decay, learning rate rising during the first"
        f" {WARM_UP:.0%} of the steps, then falling to zero along half a cosine; the moving average of the weights is"
        " what is validated and released"
    )

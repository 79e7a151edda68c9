"""What can go wrong between a photo's bytes and its emotions."""


class InvalidImage(ValueError):
    """The bytes are not a photo that can be analysed; the message tells its owner why and what to do."""


BROKEN = "The photo is incomplete or broken. Copy or export it again."


class ModelUnavailable(RuntimeError):
    """A model file is missing or altered; the message names the file and tells the operator what to do."""

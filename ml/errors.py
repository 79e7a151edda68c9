"""What can go wrong between a photo's bytes and its emotions."""


class InvalidImage(ValueError):
    """The bytes are not a photo that can be analysed; the message tells its owner why and what to do."""


BROKEN = "The photo is incomplete or broken. Copy or export it again."


class DecoderUnavailable(ConnectionError):
    """For want of memory or processes, photos cannot be decoded now. It will pass, like a storage that is away."""

    def __init__(self) -> None:
        super().__init__("Photos cannot be read at the moment. Try again later, or tell your administrator.")


class DecoderKilled(DecoderUnavailable):
    """A process that decoded a photo was killed from outside: by a person, or by the system for want of memory."""


class ModelUnavailable(RuntimeError):
    """A model file is missing or altered; the message names the file and tells the operator what to do."""

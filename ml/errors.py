"""The errors between a photo's bytes and its emotions."""


class InvalidImage(ValueError):
    """The bytes are no photo that can be analysed. The message tells its owner why, and what to do."""


BROKEN = "The photo is incomplete or broken. Copy or export it again."


class DecoderUnavailable(ConnectionError):
    """Photos cannot be decoded now, for lack of memory or processes. Trying again later helps, as with storage."""

    def __init__(self) -> None:
        super().__init__("Photos cannot be read at the moment. Try again later, or tell your administrator.")


class DecoderKilled(DecoderUnavailable):
    """A process that decoded a photo was killed from outside: by a person, or by the system for lack of memory."""


class ModelUnavailable(RuntimeError):
    """A model file is missing or altered. The message names the file and tells the operator what to do."""

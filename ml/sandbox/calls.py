"""The requests to the sandbox. Its answers are checked, as a hostile photo may have forged them."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import numpy as np

from ml.errors import InvalidImage
from ml.photo import DecodedPhoto, PhotoInfo, PhotoLimits
from ml.photo_size import check_file
from ml.sandbox.client import KILLED, Sandbox

EXTENSION = re.compile(r"\.[a-z]{3,4}")

_sandbox = Sandbox()


def start_sandbox() -> None:
    """Start the sandbox, which otherwise starts with the first photo."""
    _sandbox.start()


def check_photo(data: bytes, limits: PhotoLimits | None = None) -> PhotoInfo:
    """Find out whether a photo can be analysed. Raises InvalidImage or DecoderUnavailable."""
    answer, _ = _ask("check", data, limits)
    with _refuse_malformed_answers():
        return _parse_info(answer)


def accept_photo(data: bytes, limits: PhotoLimits | None = None) -> tuple[PhotoInfo, bytes]:
    """Check a photo, and return what is known of it and its file without metadata, see ml.stripping.

    Raises InvalidImage or DecoderUnavailable.
    """
    answer, stripped = _ask("accept", data, limits)
    with _refuse_malformed_answers():
        return _parse_info(answer), bytes(stripped)


def decode(data: bytes, limits: PhotoLimits | None = None, long_side: int | None = None) -> DecodedPhoto:
    """Decode a photo upright, in RGB, see ml.image.decode. Raises InvalidImage or DecoderUnavailable."""
    answer, pixels = _ask("decode", data, limits, long_side=long_side)
    with _refuse_malformed_answers():
        height, width = answer["shape"]
        return DecodedPhoto(
            np.frombuffer(pixels, np.uint8).reshape(height, width, 3), int(answer["width"]), int(answer["height"])
        )


def render_preview(data: bytes, limits: PhotoLimits | None, long_side: int, quality: int) -> bytes:
    """Make an upright JPEG without metadata, at most `long_side` pixels long.

    Raises InvalidImage or DecoderUnavailable.
    """
    _, jpeg = _ask("preview", data, limits, long_side=long_side, quality=quality)
    return bytes(jpeg)


def _ask(job: str, data: bytes, limits: PhotoLimits | None, **options: int | None) -> tuple[dict[str, Any], bytearray]:
    limits = limits or PhotoLimits()
    check_file(data, limits)  # before the photo is sent anywhere
    return _sandbox.ask(job, data, limits, options)


def _parse_info(answer: dict[str, Any]) -> PhotoInfo:
    taken = answer["captured_at"]
    if not EXTENSION.fullmatch(answer["extension"]):  # it becomes a part of a file name
        raise ValueError
    return PhotoInfo(
        format=str(answer["format"]),
        extension=answer["extension"],
        width=int(answer["width"]),
        height=int(answer["height"]),
        captured_at=datetime.fromisoformat(taken) if taken else None,
    )


@contextmanager
def _refuse_malformed_answers() -> Iterator[None]:
    """Refuse the photo if the answer is malformed, as a photo may have taken over the process that decodes it."""
    try:
        yield
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidImage(KILLED) from error

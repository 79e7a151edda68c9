"""What the header of a BMP says, found without decoding it. Nothing but bytes."""

from ml.errors import InvalidImage

OLD_HEADER = 12  # bytes; has no compression
PLAIN = (0, 3, 6)  # colours as they are, or as masks say


def refuse_compressed(data: bytes) -> None:
    """Raise InvalidImage for a compressed BMP: run lengths make any number of pixels of a few bytes."""
    header = int.from_bytes(data[14:18], "little")
    if header > OLD_HEADER and int.from_bytes(data[30:34], "little") not in PLAIN:
        raise InvalidImage("This kind of BMP (compressed) cannot be read. Save it as a JPEG.")

"""Reads the header of a BMP without decoding it. Works on bytes only."""

from ml.errors import InvalidImage

OLD_HEADER = 12  # bytes; has no compression
PLAIN = (0, 3, 6)  # uncompressed; 3 and 6 with masks for the colours


def refuse_compressed(data: bytes) -> None:
    """Raise InvalidImage for a compressed BMP, whose run lengths turn a few bytes into any number of pixels."""
    header = int.from_bytes(data[14:18], "little")
    if header > OLD_HEADER and int.from_bytes(data[30:34], "little") not in PLAIN:
        raise InvalidImage("This kind of BMP (compressed) cannot be read. Save it as a JPEG.")

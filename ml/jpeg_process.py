"""Which kind of JPEG a file is, found out from its markers before any decoder sees it.

Walks the markers as libjpeg does, so that both see the same frame. Python's own library only.
"""

from collections.abc import Iterator

from ml.errors import InvalidImage

BASELINE, EXTENDED, PROGRESSIVE = 0xC0, 0xC1, 0xC2  # with Huffman codes
READABLE = (BASELINE, EXTENDED, PROGRESSIVE)
# 0xC4, 0xC8 and 0xCC are no frames: tables, a reserved one, and conditions of arithmetic coding.
UNREADABLE = {
    0xC3: "lossless",
    0xC5: "hierarchical",
    0xC6: "hierarchical",
    0xC7: "hierarchical",
    0xC9: "arithmetic coding",
    0xCA: "arithmetic coding",
    0xCB: "lossless",
    0xCD: "hierarchical",
    0xCE: "hierarchical",
    0xCF: "hierarchical",
}
START_OF_SCAN, END = 0xDA, 0xD9
WITHOUT_LENGTH = (0x01, *range(0xD0, 0xD9))
# A photo has some dozens; each costs the decoder time, and may have but four bytes.
MAX_SEGMENTS = 2000


def check_process(data: bytes) -> None:
    """Raises InvalidImage unless the JPEG is a baseline, extended or progressive one of 8 bits a colour."""
    frames = [(marker, body) for marker, body in segments(data) if marker in READABLE or marker in UNREADABLE]
    if len(frames) != 1:
        raise InvalidImage("The photo is incomplete or broken. Copy or export it again.")
    marker, body = frames[0]
    if marker in UNREADABLE:
        raise _unreadable(UNREADABLE[marker])
    bits = int.from_bytes(data[body : body + 1])
    if bits != 8:
        raise _unreadable(f"{bits} bits a colour")


def segments(data: bytes) -> Iterator[tuple[int, int]]:
    """The marker of each segment before the first scan, and where its body begins."""
    position = 2
    for _ in range(MAX_SEGMENTS):
        position = data.find(b"\xff", position)
        while position >= 0 and data[position : position + 1] == b"\xff":  # a marker may be filled up
            position += 1
        marker = data[position] if 0 <= position < len(data) else END
        position += 1
        if marker in (START_OF_SCAN, END):
            return
        if marker == 0 or marker in WITHOUT_LENGTH:
            continue
        length = int.from_bytes(data[position : position + 2])
        if length < 2 or position + length > len(data):
            return
        yield marker, position + 2
        position += length
    raise InvalidImage("The photo has more parts than any camera writes. Save it again as an ordinary JPEG.")


def _unreadable(kind: str) -> InvalidImage:
    return InvalidImage(f"This kind of JPEG ({kind}) cannot be read. Save it again as an ordinary JPEG.")

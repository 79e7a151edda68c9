"""Measure how many annotated faces the detector finds, how many boxes show no face, and how long it takes, by size.

The folder holds photos and boxes.json, which has a list of {"x", "y", "width", "height"} in pixels for each photo's
name. --turned turns each photo on a grey background first, to measure how well leaning heads are found. The background
makes faces smaller. Add --upright to measure the effect of that alone: the background is as large, but nothing turns.
"""

import argparse
import json
import math
import statistics
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ml.__main__ import add_detector_arguments, read_detector_options
from ml.errors import InvalidImage, ModelUnavailable
from ml.types import BoundingBox

OVERLAP = 0.35  # intersection over union from which a face counts as found
LONG_SIDE = 640  # pixels; widths of faces are scaled to a photo with this long side
CLASSES = ((0, 24), (24, 48), (48, 96), (96, 192), (192, LONG_SIDE + 1))  # widths at that size
JPEG_QUALITY = 95  # quality of turned photos
COUNTED_FROM = 24  # pixels; to miss a smaller face is no fault


@dataclass
class Tally:
    """Counts over some photos. Most lists have one entry for each class of width."""

    annotated: list[int] = field(default_factory=lambda: [0] * len(CLASSES))
    found: list[int] = field(default_factory=lambda: [0] * len(CLASSES))
    boxes: list[int] = field(default_factory=lambda: [0] * len(CLASSES))
    matched: list[int] = field(default_factory=lambda: [0] * len(CLASSES))
    milliseconds: list[float] = field(default_factory=list)  # processor time for each photo
    # The same times, by the class of the photo's largest face.
    by_largest: list[list[float]] = field(default_factory=lambda: [[] for _ in CLASSES])
    missed: list[tuple[str, BoundingBox]] = field(default_factory=list)

    def took(self, milliseconds: float, annotated: list[BoundingBox], scale: float) -> None:
        """Add the processor time for a photo with these faces. `scale` is as in `add`."""
        self.milliseconds.append(milliseconds)
        if annotated:
            largest = max(annotated, key=lambda face: face.width)
            self.by_largest[_class_of(largest, scale)].append(milliseconds)

    def add(self, name: str, annotated: list[BoundingBox], boxes: list[BoundingBox], scale: float) -> None:
        """Compare the detector's boxes with the annotated faces, and count both.

        `scale` is the photo's long side divided by LONG_SIDE.
        """
        for face in annotated:
            place = _class_of(face, scale)
            hit = any(face.overlap(box) >= OVERLAP for box in boxes)
            self.annotated[place] += 1
            self.found[place] += hit
            if not hit and face.width / scale >= COUNTED_FROM:
                self.missed.append((name, face))
        for box in boxes:
            place = _class_of(box, scale)
            self.boxes[place] += 1
            self.matched[place] += any(face.overlap(box) >= OVERLAP for face in annotated)

    def counted(self) -> tuple[int, int]:
        """Return how many annotated faces are large enough to count, and how many of these were found."""
        counted = [place for place, (least, _) in enumerate(CLASSES) if least >= COUNTED_FROM]
        return sum(self.annotated[place] for place in counted), sum(self.found[place] for place in counted)


def _class_of(box: BoundingBox, scale: float) -> int:
    return next((place for place, (_, most) in enumerate(CLASSES) if box.width / scale < most), len(CLASSES) - 1)


def measure(folder: Path, options: argparse.Namespace, file: Any) -> dict[str, Any]:
    """Run the detector on every annotated photo, and on the photos without faces in `options.empty`."""
    import cv2

    from ml.detection.loading import load_detector

    cv2.setNumThreads(options.threads)
    detector = load_detector(file, options.threads)
    annotations = json.loads((folder / "boxes.json").read_text())
    tally, empty = Tally(), Tally()
    for name in sorted(annotations):
        faces = [BoundingBox(box["x"], box["y"], box["width"], box["height"]) for box in annotations[name]]
        data = (folder / name).read_bytes()
        _count(tally, detector, name, *_as_asked(data, faces, options))
    for photo in sorted(options.empty.iterdir()) if options.empty else []:
        if photo.suffix.lower() in (".jpg", ".jpeg", ".png"):
            data = photo.read_bytes()
            _count(empty, detector, photo.name, *_as_asked(data, [], options))
    return _figures(detector.name, tally, empty)


def _as_asked(data: bytes, faces: list[BoundingBox], options: argparse.Namespace) -> tuple[bytes, list[BoundingBox]]:
    return turned(data, faces, options.turned, options.upright) if options.turned else (data, faces)


def turned(
    data: bytes, faces: list[BoundingBox], degrees: float, upright: bool = False
) -> tuple[bytes, list[BoundingBox]]:
    """Return the whole photo turned clockwise on a grey background, as a JPEG, and the boxes of its faces.

    Each box keeps its size, and has the same middle of the face. With `upright`, the photo is not turned, but gets an
    equally large background.
    """
    import cv2

    from ml.detection.leaning import GREY
    from ml.sandbox import decode

    picture = decode(data).image
    height, width = picture.shape[:2]
    cosine, sine = abs(math.cos(math.radians(degrees))), abs(math.sin(math.radians(degrees)))
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), 0 if upright else -degrees, 1)
    size = round(width * cosine + height * sine), round(width * sine + height * cosine)
    matrix[:, 2] += (size[0] - width) / 2, (size[1] - height) / 2
    leaning = cv2.warpAffine(picture[..., ::-1], matrix, size, borderValue=GREY)
    encoded = cv2.imencode(".jpg", leaning, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes()
    return encoded, [_moved(face, matrix) for face in faces]


def _moved(face: BoundingBox, matrix: Any) -> BoundingBox:
    """Return a box of the same size around the point to which the matrix, of shape (2, 3), moves the middle."""
    x, y = matrix @ [face.x + face.width / 2, face.y + face.height / 2, 1]
    return BoundingBox(round(x - face.width / 2), round(y - face.height / 2), face.width, face.height)


def _count(tally: Tally, detector: Any, photo: str, data: bytes, annotated: list[BoundingBox]) -> None:
    from ml.pipeline import detect_faces

    cpu = time.process_time()
    seen = detect_faces(detector, data)
    # Processor time depends least on other work on the machine. The share of decoding is left out.
    spent = (time.process_time() - cpu) * 1000 * seen.detect_ms / (seen.detect_ms + seen.decode_ms)
    boxes = [face.box for face in seen.faces]
    scale = max(seen.width, seen.height) / LONG_SIDE
    tally.took(spent, annotated, scale)
    tally.add(photo, annotated, boxes, scale)


def _figures(detector: str, tally: Tally, empty: Tally) -> dict[str, Any]:
    annotated, found = tally.counted()
    return {
        "detector": detector,
        "photos": len(tally.milliseconds),
        "faces": annotated,
        "recall": _ratio(found, annotated),
        "precision": _ratio(sum(tally.matched), sum(tally.boxes)),
        "ms": statistics.median(tally.milliseconds),
        "by_width": [_row(tally, place) for place in range(len(CLASSES))],
        "missed": [{"file": name, "box": asdict(box)} for name, box in tally.missed],
        "empty_photos": len(empty.milliseconds),
        "boxes_on_empty_photos": sum(empty.boxes),
    }


def _row(tally: Tally, place: int) -> dict[str, Any]:
    """Return the figures of one class of width. `ms` is the median of photos with their largest face in this class."""
    annotated, found = tally.annotated[place], tally.found[place]
    boxes, matched = tally.boxes[place], tally.matched[place]
    spent = tally.by_largest[place]
    return {
        "from": CLASSES[place][0],
        "below": CLASSES[place][1],
        "annotated": annotated,
        "found": found,
        "recall": _ratio(found, annotated),
        "boxes": boxes,
        "matched": matched,
        "precision": _ratio(matched, boxes),
        "photos": len(spent),
        "ms": statistics.median(spent) if spent else None,
    }


def as_table(figures: dict[str, Any]) -> str:
    columns = ("annotated", "found", "recall", "boxes", "matched", "precision", "photos", "ms")
    names = ("annotated", "found", "recall", "boxes", "on a face", "precision", "photos by largest face", "ms")
    lines = [f"| width | {' | '.join(names)} |", "| --- " * 9 + "|"]
    for row in figures["by_width"]:
        cells = " | ".join(_cell(name, row[name]) for name in columns)
        lines.append(f"| {row['from']} to {row['below'] - 1} px | {cells} |")
    recall = "no faces" if figures["recall"] is None else f"{figures['recall']:.3f}"
    lines += [
        "",
        f"{figures['detector']}: recall {recall} of {figures['faces']} faces from {COUNTED_FROM} px,"
        f" {figures['boxes_on_empty_photos']} boxes on {figures['empty_photos']} photos without a face,"
        f" {figures['ms']:.1f} ms a photo (median, processor time). Widths at {LONG_SIDE} px of the long side.",
    ]
    return "\n".join(lines)


def _cell(name: str, value: float | None) -> str:
    if value is None:
        return ""
    return {"recall": f"{value:.3f}", "precision": f"{value:.3f}", "ms": f"{value:.1f}"}.get(name, str(value))


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.detection", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="DIR", help="annotated photos")
    parser.add_argument("--empty", type=Path, metavar="DIR", help="photos without a face, for false alarms")
    parser.add_argument("--json", action="store_true", help="print JSON, with the missed faces, instead of a table")
    parser.add_argument("--turned", type=float, default=0.0, metavar="DEGREES", help="turn the photos clockwise first")
    parser.add_argument("--upright", action="store_true", help="with --turned: only make them as small by as much grey")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="threads for the nets (%(default)s)")
    add_detector_arguments(parser)
    return parser


def main() -> int:
    parser = build_parser()
    options = parser.parse_args()
    if options.upright and not options.turned:
        parser.error("--upright needs --turned DEGREES, which says how much grey there is around the photo.")
    try:
        figures = measure(options.folder, options, read_detector_options(parser, options))
    except (ModelUnavailable, InvalidImage, OSError, ValueError) as error:
        print(f"The measurement stopped: {error}", file=sys.stderr)
        return 1
    print(json.dumps(figures) if options.json else as_table(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())

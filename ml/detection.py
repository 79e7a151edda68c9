"""Faces in a photo: MTCNN's cascade of three nets (Zhang et al. 2016, arXiv 1604.02878), on ONNX Runtime."""

import math
from collections.abc import Iterator
from dataclasses import fields
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.boxes import Boxes, patches, shifted, squared, supporters, suppress
from ml.leaning import TurnedPicture, common_lean, upright
from ml.mtcnn_graphs import output_net, proposal_net, refinement_net
from ml.preprocessing import tilt
from ml.runtime import start_session
from ml.second_look import SecondLook
from ml.types import BoundingBox, FaceDetection, Image, Landmarks

Floats = NDArray[np.float32]

LONG_SIDE = 640  # pixels at which faces are looked for
SMALLEST_FACE = 20  # pixels at that size
CELL = 12  # pixels that P-Net sees of a face
STRIDE = 2  # pixels between its places
MOST_PROPOSALS = 1000  # at each level, so that a photo of noise costs neither time nor memory
LEVEL_FACTOR = 0.709  # each level of the pyramid has half of the pixels of the one before (the paper's)

# A face that fills the photo is looked for again at this size and with this border, as a share of the size.
CLOSE_LONG_SIDE = 160
CLOSE_BORDER = 0.25

# Degrees. P-Net and R-Net hardly see faces that lean by much more, so where the faces lean so, the photo is also looked
# at turned; by LEAST_TURN at least, as those that were seen are those that lean least. Where none is found, it is
# turned by TURNS in small, for a large face. Things then look like faces too, so the net must be surer.
LEANING, LEAST_TURN, TURNS = 22.0, 36.0, (-40.0, 40.0)
TURNED_LONG_SIDE, SURE_TURNED = 200, 0.95
# Degrees. With less lean a face may in truth lie on its side or stand on its head, unless the net is this sure of it.
SEEMS_UPRIGHT, SURELY_UPRIGHT = 50.0, 0.995
SAME_FACE = 0.2  # intersection over union

# Thresholds on the probability of a face and limits of overlap: the paper authors' released values. Of the last net's
# answers more is asked, see ml.second_look: a record of somebody who is not there is worse than a face that is missed.
FACE_IN_PROPOSAL = math.log(0.6 / 0.4)  # as a logit
FACE_IN_REFINEMENT = 0.5  # below the 0.7 of the paper: the second look can afford it
OVERLAP_IN_LEVEL, OVERLAP = 0.5, 0.7
BATCH = 32  # patches at once, whose features stay in the processor's cache


class FaceDetector(Protocol):
    name: str

    def detect(self, image: Image) -> list[FaceDetection]:
        """Find the faces, largest first, boxes within the image, in its pixels."""
        ...


class MtcnnDetector:
    """MTCNN with the weights of the `mtcnn` package."""

    name = "mtcnn"

    def __init__(self, threads: int = 1) -> None:
        """Raises ModelUnavailable when the weights are missing or altered."""
        self._proposal = start_session(proposal_net(), threads)
        self._refinement = start_session(refinement_net(), threads)
        self._second_look = SecondLook(start_session(output_net(), threads))

    def detect(self, image: Image) -> list[FaceDetection]:
        """Find the faces, largest first, boxes within the image, in its pixels."""
        found = self._find(image)
        lying = self._lying(image, found)
        if any(lying):
            found = self._as_they_lie(image, found, lying)
        return sorted(found, key=lambda face: face.box.area, reverse=True)

    def _lying(self, image: Image, faces: list[FaceDetection]) -> list[float]:
        """By how many degrees each of the faces lies that seem to stand upright: 90, 180, -90, or 0."""
        seem_upright = [
            face.confidence < SURELY_UPRIGHT and abs(tilt(face.landmarks)) < SEEMS_UPRIGHT for face in faces
        ]
        straight = [face for face, seems in zip(faces, seem_upright, strict=True) if seems]
        turns = iter(self._second_look.lying(image, _corners(straight)).tolist() if straight else ())
        return [next(turns) if seems else 0.0 for seems in seem_upright]

    def _as_they_lie(self, image: Image, faces: list[FaceDetection], lying: list[float]) -> list[FaceDetection]:
        """The faces that stand, and those that the turned photo shows where others lie, or surely elsewhere."""
        standing = [face for face, degrees in zip(faces, lying, strict=True) if not degrees]
        places = _corners([face for face, degrees in zip(faces, lying, strict=True) if degrees])
        seen = [face for degrees in set(lying) - {0.0} for face in self._find_turned(image, degrees)]
        credible = (
            face for face in seen if face.confidence > SURE_TURNED or supporters(_corners([face]), places, SAME_FACE)[0]
        )
        return _without_repeats(standing, list(credible))

    def _find_turned(self, image: Image, degrees: float) -> list[FaceDetection]:
        """Find faces that lie by that much clockwise."""
        picture = upright(image, degrees)
        height, width = image.shape[:2]
        moved = (_turned_back(face, picture, 1.0, width, height) for face in self._find(picture.image))
        return [face for face in moved if face is not None]

    def _find(self, image: Image) -> list[FaceDetection]:
        found = self._cascade(image, LONG_SIDE)
        if found and abs(lean := common_lean(found)) > LEANING:
            turn = math.copysign(max(abs(lean), LEAST_TURN), lean)
            found = _without_repeats(found, self._detect_turned(image, turn, LONG_SIDE))
        return found or self._detect_cropped_closely(image) or self._detect_leaning(image)

    def _detect_cropped_closely(self, image: Image) -> list[FaceDetection]:
        """Find a face that fills the photo: the nets want to see something around it, so give it a border."""
        height, width = image.shape[:2]
        small, scale = shrunk(image, CLOSE_LONG_SIDE)
        border = round(max(small.shape[:2]) * CLOSE_BORDER)
        framed = cv2.copyMakeBorder(small, border, border, border, border, cv2.BORDER_REPLICATE)
        found = self._cascade(np.asarray(framed, np.uint8), max(framed.shape[:2]))
        moved = (_moved(face, -border, scale, width, height) for face in found)
        return [face for face in moved if face is not None]

    def _detect_leaning(self, image: Image) -> list[FaceDetection]:
        """Find large faces that lean so much that nothing else was found."""
        seen = [face for degrees in TURNS for face in self._detect_turned(image, degrees, TURNED_LONG_SIDE)]
        return _without_repeats([], [face for face in seen if face.confidence > SURE_TURNED])

    def _detect_turned(self, image: Image, degrees: float, long_side: int) -> list[FaceDetection]:
        """Find faces that lean clockwise by about that much."""
        small, scale = shrunk(image, long_side)
        picture = upright(small, degrees)
        seen = self._cascade(picture.image, max(picture.image.shape[:2]))
        height, width = image.shape[:2]
        moved = (_turned_back(face, picture, scale, width, height) for face in seen)
        return [face for face in moved if face is not None]

    def _cascade(self, image: Image, long_side: int) -> list[FaceDetection]:
        small, scale = shrunk(image, long_side)
        proposals, witnesses = self._propose(small)
        faces = self._second_look.faces(small, self._refine(small, proposals), witnesses)
        height, width = image.shape[:2]
        found = [
            FaceDetection(box, float(score), landmarks_at(face_points * scale))
            for face_box, score, face_points in zip(faces.boxes * scale, faces.scores, faces.points, strict=True)
            if (box := within(face_box, width, height)) is not None
        ]
        return sorted(found, key=lambda face: face.box.area, reverse=True)

    def _propose(self, image: Image) -> tuple[Boxes, Boxes]:
        """P-Net on a pyramid of the image: squares (n, 4) that may hold a face, and all the boxes that led to them."""
        found = [self._propose_at(level, scale) for level, scale in _pyramid(image)]
        if not found:
            return np.empty((0, 4), np.float32), np.empty((0, 4), np.float32)
        kept = [suppress(boxes, scores, OVERLAP_IN_LEVEL) for boxes, scores in found]
        boxes = np.concatenate([each[0][keep] for each, keep in zip(found, kept, strict=True)])
        scores = np.concatenate([each[1][keep] for each, keep in zip(found, kept, strict=True)])
        return squared(boxes[suppress(boxes, scores, OVERLAP)]), np.concatenate([each[0] for each in found])

    def _propose_at(self, level: Image, scale: float) -> tuple[Boxes, Floats]:
        """The boxes (n, 4) where P-Net sees a face at one level, in pixels of the image, and its scores (n,)."""
        cells = self._proposal.run(None, {"pictures": level[np.newaxis]})[0][0]
        rows, columns = _highest(cells[0], FACE_IN_PROPOSAL, MOST_PROPOSALS)
        scores, offsets = cells[0, rows, columns], cells[1:, rows, columns].T
        corners = np.stack([columns, rows], axis=1).astype(np.float32) * STRIDE
        return shifted(np.concatenate([corners, corners + CELL], axis=1), offsets) * scale, scores

    def _refine(self, image: Image, boxes: Boxes) -> Boxes:
        """R-Net: squares (n, 4), fewer and better placed."""
        if not len(boxes):
            return boxes
        batches = np.split(boxes, range(BATCH, len(boxes), BATCH))
        answers = [self._refinement.run(None, {"pictures": patches(image, batch, 24)}) for batch in batches]
        scores, offsets = (np.concatenate(each) for each in zip(*answers, strict=True))
        sure = scores > FACE_IN_REFINEMENT
        boxes, scores = shifted(boxes[sure], offsets[sure]), scores[sure]
        return squared(boxes[suppress(boxes, scores, OVERLAP)])


def _highest(values: Floats, threshold: float, most: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of the values above a threshold, of the highest ones if they are many."""
    rows, columns = np.nonzero(values > threshold)
    if len(rows) <= most:
        return rows, columns
    best = np.argpartition(-values[rows, columns], most)[:most]
    return rows[best], columns[best]


def shrunk(image: Image, long_side: int) -> tuple[Image, float]:
    """Reduce to a long side; also returns the pixels of the image for one of the result."""
    height, width = image.shape[:2]
    scale = max(height, width) / long_side
    if scale <= 1:
        return image, 1.0
    whole = int(scale)
    if whole > 1:  # by a whole number OpenCV averages areas fast, and for the rest interpolation does
        trimmed = image[: max(height // whole, 1) * whole, : max(width // whole, 1) * whole]
        image = _resized(trimmed, width // whole, height // whole, cv2.INTER_AREA)
    return _resized(image, round(width / scale), round(height / scale), cv2.INTER_LINEAR), scale


def _pyramid(image: Image) -> Iterator[tuple[Image, float]]:
    """The image at falling sizes, each made from the one before, with pixels of the image for one of the level."""
    height, width = image.shape[:2]
    level, share, interpolation = image, CELL / SMALLEST_FACE, cv2.INTER_AREA
    while min(height, width) * share >= CELL:
        level = _resized(level, round(width * share), round(height * share), interpolation)
        yield level, 1 / share
        share *= LEVEL_FACTOR
        interpolation = cv2.INTER_LINEAR  # finds as many faces as averaging, in a tenth of the time


def _resized(image: Image, width: int, height: int, interpolation: int) -> Image:
    size = (max(width, 1), max(height, 1))
    return np.asarray(cv2.resize(image, size, interpolation=interpolation), np.uint8)


def within(box: Floats, width: int, height: int) -> BoundingBox | None:
    """Round to whole pixels and clip to the image; None when nothing is left."""
    left, right = np.clip(np.rint(box[[0, 2]]), 0, width).astype(int).tolist()
    top, bottom = np.clip(np.rint(box[[1, 3]]), 0, height).astype(int).tolist()
    if right <= left or bottom <= top:
        return None
    return BoundingBox(left, top, right - left, bottom - top)


def landmarks_at(points: Floats) -> Landmarks:
    """The net's order is that of Landmarks' fields."""
    return Landmarks(*((float(x), float(y)) for x, y in points))


def _moved(face: FaceDetection, by: float, scale: float, width: int, height: int) -> FaceDetection | None:
    """Shift a face both ways, then scale it, within a photo of that size."""
    box = face.box
    corners = np.array([box.x, box.y, box.x + box.width, box.y + box.height], np.float32)
    inside = within((corners + by) * scale, width, height)
    points = np.array([getattr(face.landmarks, field.name) for field in fields(Landmarks)], np.float32)
    return FaceDetection(inside, face.confidence, landmarks_at((points + by) * scale)) if inside else None


def _turned_back(
    face: FaceDetection, picture: TurnedPicture, scale: float, width: int, height: int
) -> FaceDetection | None:
    """From a turned picture to the photo of that size, `scale` times as large."""
    inside = within(picture.corners(face) * np.float32(scale), width, height)
    points = landmarks_at(picture.landmarks(face) * np.float32(scale))
    return FaceDetection(inside, face.confidence, points) if inside else None


def _without_repeats(faces: list[FaceDetection], more: list[FaceDetection]) -> list[FaceDetection]:
    """The faces, and of the others the surest of each place that has none yet."""
    kept = list(faces)
    for face in sorted(more, key=lambda each: each.confidence, reverse=True):
        if not supporters(_corners([face]), _corners(kept), SAME_FACE)[0]:
            kept.append(face)
    return kept


def _corners(faces: list[FaceDetection]) -> Boxes:
    sides = [(box.x, box.y, box.x + box.width, box.y + box.height) for box in (face.box for face in faces)]
    return np.array(sides, np.float32).reshape(-1, 4)

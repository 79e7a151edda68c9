"""Finds faces with MTCNN's cascade of three nets (Zhang et al. 2016, arXiv 1604.02878), on ONNX Runtime."""

import math
from collections.abc import Iterator
from dataclasses import fields

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.detection.boxes import Boxes, count_supporters, cut_patches, make_square, shift, suppress_overlapping
from ml.detection.detector import LONG_SIDE, build_landmarks, clip_to_image, resize_image, shrink
from ml.detection.graphs import build_output_net, build_proposal_net, build_refinement_net
from ml.detection.leaning import TurnedPicture, measure_common_lean, turn_upright
from ml.detection.second_look import SecondLook
from ml.preprocessing import measure_tilt
from ml.runtime import start_session
from ml.types import FaceDetection, Image, Landmarks

Floats = NDArray[np.float32]

SMALLEST_FACE = 20  # pixels, in a photo whose long side has LONG_SIDE
CELL = 12  # pixels that P-Net sees of a face
STRIDE = 2  # pixels between the places where P-Net looks
MOST_PROPOSALS = 1000  # at each level, so that a photo of noise costs neither time nor memory
LEVEL_FACTOR = 0.709  # from the paper: each level of the pyramid has half the pixels of the one before

# If no face was found, one that fills the photo is searched for at this size, with a border of this share of the size.
CLOSE_LONG_SIDE = 160
CLOSE_BORDER = 0.25

# Degrees. P-Net and R-Net hardly see faces that lean by more than LEANING. If the found faces lean so much, the photo
# is also searched turned, by LEAST_TURN at least, because the faces that were seen are those that lean least. If no
# face was found, a small copy is turned by TURNS and searched for a large face. Things then look like faces more
# often, so the net must be surer.
LEANING, LEAST_TURN, TURNS = 22.0, 36.0, (-40.0, 40.0)
TURNED_LONG_SIDE, SURE_TURNED = 200, 0.95
# Degrees. A face that seems to lean less may in fact lie on its side or stand on its head, unless the net is this sure.
SEEMS_UPRIGHT, SURELY_UPRIGHT = 50.0, 0.995
SAME_FACE = 0.2  # intersection over union

# Thresholds on the probability of a face, and limits of overlap, as released by the paper's authors. The last net must
# be surer, see ml.detection.second_look, because a record of somebody who is not there is worse than a missed face.
FACE_IN_PROPOSAL = math.log(0.6 / 0.4)  # as a logit
FACE_IN_REFINEMENT = 0.5  # the paper has 0.7, but the second look sorts out what is no face
OVERLAP_IN_LEVEL, OVERLAP = 0.5, 0.7
BATCH = 32  # patches at once, so that their features stay in the processor's cache


class MtcnnDetector:
    """MTCNN with the weights of the `mtcnn` package."""

    name = "mtcnn"

    def __init__(self, threads: int = 1) -> None:
        """Build the nets. Raises ModelUnavailable when the weights are missing or altered."""
        self._proposal = start_session(build_proposal_net(), threads)
        self._refinement = start_session(build_refinement_net(), threads)
        self._second_look = SecondLook(start_session(build_output_net(), threads))

    def detect(self, image: Image) -> list[FaceDetection]:
        """Find the faces, largest first. Boxes are in pixels of the image and lie within it."""
        found = self._find(image)
        lying = self._measure_lying(image, found)
        if any(lying):
            found = self._find_as_they_lie(image, found, lying)
        return sorted(found, key=lambda face: face.box.area, reverse=True)

    def _measure_lying(self, image: Image, faces: list[FaceDetection]) -> list[float]:
        """Return by how many degrees each face lies, 90, 180 or -90; 0 for a face that stands or surely leans."""
        seem_upright = [
            face.confidence < SURELY_UPRIGHT and abs(measure_tilt(face.landmarks)) < SEEMS_UPRIGHT for face in faces
        ]
        straight = [face for face, seems in zip(faces, seem_upright, strict=True) if seems]
        turns = iter(self._second_look.measure_lying(image, _to_corners(straight)).tolist() if straight else ())
        return [next(turns) if seems else 0.0 for seems in seem_upright]

    def _find_as_they_lie(self, image: Image, faces: list[FaceDetection], lying: list[float]) -> list[FaceDetection]:
        """Return the faces that stand, and those found in the turned photo where a face lies, or elsewhere if sure."""
        standing = [face for face, degrees in zip(faces, lying, strict=True) if not degrees]
        places = _to_corners([face for face, degrees in zip(faces, lying, strict=True) if degrees])
        seen = [face for degrees in set(lying) - {0.0} for face in self._find_turned(image, degrees)]
        credible = (
            face
            for face in seen
            if face.confidence > SURE_TURNED or count_supporters(_to_corners([face]), places, SAME_FACE)[0]
        )
        return _add_new_faces(standing, list(credible))

    def _find_turned(self, image: Image, degrees: float) -> list[FaceDetection]:
        """Find faces that are turned clockwise by this much."""
        picture = turn_upright(image, degrees)
        height, width = image.shape[:2]
        moved = (_turn_back(face, picture, 1.0, width, height) for face in self._find(picture.image))
        return [face for face in moved if face is not None]

    def _find(self, image: Image) -> list[FaceDetection]:
        found = self._cascade(image, LONG_SIDE)
        if found and abs(lean := measure_common_lean(found)) > LEANING:
            turn = math.copysign(max(abs(lean), LEAST_TURN), lean)
            found = _add_new_faces(found, self._detect_turned(image, turn, LONG_SIDE))
        return found or self._detect_cropped_closely(image) or self._detect_leaning(image)

    def _detect_cropped_closely(self, image: Image) -> list[FaceDetection]:
        """Find a face that fills the photo. A border is added, because the nets need to see something around it."""
        height, width = image.shape[:2]
        small, scale = shrink(image, CLOSE_LONG_SIDE)
        border = round(max(small.shape[:2]) * CLOSE_BORDER)
        framed = cv2.copyMakeBorder(small, border, border, border, border, cv2.BORDER_REPLICATE)
        found = self._cascade(np.asarray(framed, np.uint8), max(framed.shape[:2]))
        moved = (_move(face, -border, scale, width, height) for face in found)
        return [face for face in moved if face is not None]

    def _detect_leaning(self, image: Image) -> list[FaceDetection]:
        """Find large faces that lean too much to be found otherwise."""
        seen = [face for degrees in TURNS for face in self._detect_turned(image, degrees, TURNED_LONG_SIDE)]
        return _add_new_faces([], [face for face in seen if face.confidence > SURE_TURNED])

    def _detect_turned(self, image: Image, degrees: float, long_side: int) -> list[FaceDetection]:
        """Find faces that lean clockwise by about this much."""
        small, scale = shrink(image, long_side)
        picture = turn_upright(small, degrees)
        seen = self._cascade(picture.image, max(picture.image.shape[:2]))
        height, width = image.shape[:2]
        moved = (_turn_back(face, picture, scale, width, height) for face in seen)
        return [face for face in moved if face is not None]

    def _cascade(self, image: Image, long_side: int) -> list[FaceDetection]:
        small, scale = shrink(image, long_side)
        proposals, witnesses = self._propose(small)
        faces = self._second_look.find_faces(small, self._refine(small, proposals), witnesses)
        height, width = image.shape[:2]
        found = [
            FaceDetection(box, float(score), build_landmarks(face_points * scale))
            for face_box, score, face_points in zip(faces.boxes * scale, faces.scores, faces.points, strict=True)
            if (box := clip_to_image(face_box, width, height)) is not None
        ]
        return sorted(found, key=lambda face: face.box.area, reverse=True)

    def _propose(self, image: Image) -> tuple[Boxes, Boxes]:
        """Run P-Net on a pyramid of the image.

        Returns squares, (n, 4), that may hold a face, and all boxes that led to them.
        """
        found = [self._propose_at(level, scale) for level, scale in _pyramid(image)]
        if not found:
            return np.empty((0, 4), np.float32), np.empty((0, 4), np.float32)
        kept = [suppress_overlapping(boxes, scores, OVERLAP_IN_LEVEL) for boxes, scores in found]
        boxes = np.concatenate([each[0][keep] for each, keep in zip(found, kept, strict=True)])
        scores = np.concatenate([each[1][keep] for each, keep in zip(found, kept, strict=True)])
        return make_square(boxes[suppress_overlapping(boxes, scores, OVERLAP)]), np.concatenate(
            [each[0] for each in found]
        )

    def _propose_at(self, level: Image, scale: float) -> tuple[Boxes, Floats]:
        """Return the boxes, (n, 4), in pixels of the image, where P-Net sees a face at one level, and scores, (n,)."""
        cells = self._proposal.run(None, {"pictures": level[np.newaxis]})[0][0]
        rows, columns = _highest(cells[0], FACE_IN_PROPOSAL, MOST_PROPOSALS)
        scores, offsets = cells[0, rows, columns], cells[1:, rows, columns].T
        corners = np.stack([columns, rows], axis=1).astype(np.float32) * STRIDE
        return shift(np.concatenate([corners, corners + CELL], axis=1), offsets) * scale, scores

    def _refine(self, image: Image, boxes: Boxes) -> Boxes:
        """Run R-Net, which returns fewer and better placed squares, (n, 4)."""
        if not len(boxes):
            return boxes
        batches = np.split(boxes, range(BATCH, len(boxes), BATCH))
        answers = [self._refinement.run(None, {"pictures": cut_patches(image, batch, 24)}) for batch in batches]
        scores, offsets = (np.concatenate(each) for each in zip(*answers, strict=True))
        sure = scores > FACE_IN_REFINEMENT
        boxes, scores = shift(boxes[sure], offsets[sure]), scores[sure]
        return make_square(boxes[suppress_overlapping(boxes, scores, OVERLAP)])


def _highest(values: Floats, threshold: float, most: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return rows and columns of the values above a threshold, of the highest ones if there are too many."""
    rows, columns = np.nonzero(values > threshold)
    if len(rows) <= most:
        return rows, columns
    best = np.argpartition(-values[rows, columns], most)[:most]
    return rows[best], columns[best]


def _pyramid(image: Image) -> Iterator[tuple[Image, float]]:
    """Yield the image at falling sizes, each made from the one before, and the pixels of the image for one of each."""
    height, width = image.shape[:2]
    level, share, interpolation = image, CELL / SMALLEST_FACE, cv2.INTER_AREA
    while min(height, width) * share >= CELL:
        level = resize_image(level, round(width * share), round(height * share), interpolation)
        yield level, 1 / share
        share *= LEVEL_FACTOR
        interpolation = cv2.INTER_LINEAR  # finds as many faces as averaging in a tenth of the time


def _move(face: FaceDetection, by: float, scale: float, width: int, height: int) -> FaceDetection | None:
    """Shift a face in both directions and then scale it; None if it lies outside a photo of this size."""
    box = face.box
    corners = np.array([box.x, box.y, box.x + box.width, box.y + box.height], np.float32)
    inside = clip_to_image((corners + by) * scale, width, height)
    points = np.array([getattr(face.landmarks, field.name) for field in fields(Landmarks)], np.float32)
    return FaceDetection(inside, face.confidence, build_landmarks((points + by) * scale)) if inside else None


def _turn_back(
    face: FaceDetection, picture: TurnedPicture, scale: float, width: int, height: int
) -> FaceDetection | None:
    """Move a face from a turned picture to the photo of this size, which is `scale` times as large as the picture."""
    inside = clip_to_image(picture.map_corners(face) * np.float32(scale), width, height)
    points = build_landmarks(picture.map_landmarks(face) * np.float32(scale))
    return FaceDetection(inside, face.confidence, points) if inside else None


def _add_new_faces(faces: list[FaceDetection], more: list[FaceDetection]) -> list[FaceDetection]:
    """Return the faces, and of the others the surest face of each place that has none yet."""
    kept = list(faces)
    for face in sorted(more, key=lambda each: each.confidence, reverse=True):
        if not count_supporters(_to_corners([face]), _to_corners(kept), SAME_FACE)[0]:
            kept.append(face)
    return kept


def _to_corners(faces: list[FaceDetection]) -> Boxes:
    sides = [(box.x, box.y, box.x + box.width, box.y + box.height) for box in (face.box for face in faces)]
    return np.array(sides, np.float32).reshape(-1, 4)

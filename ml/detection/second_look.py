"""Takes a second look at what may be a face: averages O-Net's answers to several views of it.

A face still looks like a face when it is cut out a little closer or wider, or mirrored; what only happens to resemble
one does not. And a head that leans to a shoulder looks upright in a view that leans with it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.detection.boxes import (
    Boxes,
    Floats,
    compute_centres,
    count_supporters,
    cut_patches,
    make_square,
    resize,
    shift,
    suppress_overlapping,
    turn_points,
)
from ml.runtime import InferenceSession
from ml.types import Image

SIZE = 48  # pixels that O-Net sees
SURE = 0.9  # a first score above it is enough; leaning views must reach it, as there are several to choose from
DOUBTFUL = 0.3  # a first score below it is no upright face
CONVINCED = 0.8  # the mean of the upright views must reach it
SCALES = (0.8, 0.9, 1.0, 1.1)  # of the box, for the views
TILTS = (-40.0, 40.0)  # degrees clockwise of the leaning views; upright views find faces up to about 25
TILTED_SCALES = (0.9, 1.1)
QUARTERS = (0.0, 90.0, 180.0, -90.0)  # degrees clockwise by which a face may be turned; upright comes first
# P-Net sees a face at several places and sizes around a real one, so a doubtful face needs this many neighbours.
SUPPORT, SUPPORTING_OVERLAP = 5, 0.5
OVERLAP = 0.7  # over the smaller of two boxes; above it they show one face
MOST_LOOKS = 6  # the best candidates get a second look, and no others, so that odd photos cost little


@dataclass(frozen=True, slots=True)
class Candidates:
    """Boxes (n, 4) that may be faces, with scores (n,) and landmarks (n, 5, 2), all in pixels."""

    boxes: Boxes
    scores: Floats
    points: Floats

    def __getitem__(self, which: NDArray[np.intp] | NDArray[np.bool_] | slice) -> "Candidates":
        return Candidates(self.boxes[which], self.scores[which], self.points[which])

    def __add__(self, other: "Candidates") -> "Candidates":
        mine, others = (self.boxes, self.scores, self.points), (other.boxes, other.scores, other.points)
        return Candidates(*(np.concatenate(pair) for pair in zip(mine, others, strict=True)))

    def best_of_each(self) -> "Candidates":
        """Keep the best box of each face."""
        return self[suppress_overlapping(self.boxes, self.scores, OVERLAP, over="smaller")]


NONE = Candidates(np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty((0, 5, 2), np.float32))


class SecondLook:
    """O-Net, whose doubtful answers are checked on several views."""

    def __init__(self, output_net: InferenceSession) -> None:
        self._net = output_net

    def find_faces(self, image: Image, squares: Boxes, proposals: Boxes) -> Candidates:
        """Return which of the squares, (n, 4), are faces; P-Net's proposals serve as witnesses."""
        seen = self._look(image, squares)
        sure = seen.scores > SURE
        faces = seen[sure].best_of_each()
        return faces + self._find_convincing(image, _keep_elsewhere(seen[~sure], faces), proposals, faces)

    def measure_lying(self, image: Image, boxes: Boxes) -> Floats:
        """Return by how many degrees each of the found faces, (n, 4), is turned clockwise, one of QUARTERS: (n,).

        In a face that is upside down, the net may see an upright one, with landmarks where those of an upright face
        would be. But it is surer when the face is turned the right way up.
        """
        squares = make_square(boxes)
        views = np.concatenate([cut_patches(image, squares, SIZE, degrees) for degrees in QUARTERS])
        surest = self._net.run(None, {"pictures": views})[0].reshape(len(QUARTERS), -1).argmax(axis=0)
        found = np.zeros(len(boxes), np.float32)
        for place in np.flatnonzero(surest):
            square, degrees = squares[place : place + 1], QUARTERS[surest[place]]
            if self._mean_score(image, square, SCALES, degrees) > self._mean_score(image, square, SCALES):
                found[place] = degrees
        return found

    def _find_convincing(self, image: Image, doubtful: Candidates, proposals: Boxes, faces: Candidates) -> Candidates:
        witnesses = count_supporters(doubtful.boxes, proposals, SUPPORTING_OVERLAP)
        doubtful = doubtful[witnesses >= SUPPORT].best_of_each()[:MOST_LOOKS]
        found = self._confirm(image, doubtful[doubtful.scores > DOUBTFUL], SCALES, CONVINCED)
        return found + _keep_elsewhere(self._find_leaning(image, _keep_elsewhere(doubtful, found)), faces + found)

    def _find_leaning(self, image: Image, doubtful: Candidates) -> Candidates:
        found = NONE
        for degrees in TILTS:
            seen = self._look(image, make_square(doubtful.boxes), degrees)
            found += self._confirm(image, seen[seen.scores > SURE], TILTED_SCALES, SURE, degrees)
        return found.best_of_each()

    def _confirm(
        self, image: Image, seen: Candidates, scales: tuple[float, ...], threshold: float, degrees: float = 0.0
    ) -> Candidates:
        """Return the candidates whose mean score over all views is above the threshold, with that score."""
        if not len(seen.boxes):
            return NONE
        scores = self._mean_score(image, make_square(seen.boxes), scales, degrees)
        return Candidates(seen.boxes, scores, seen.points)[scores > threshold]

    def _mean_score(self, image: Image, squares: Boxes, scales: tuple[float, ...], degrees: float = 0.0) -> Floats:
        """Return the mean score, (n,), over scales and mirror images, without the worst of four: a box may be off."""
        views = np.concatenate([cut_patches(image, resize(squares, scale), SIZE, degrees) for scale in scales])
        views = np.concatenate([views, views[:, :, ::-1]])
        answers = self._net.run(None, {"pictures": views})[0].reshape(2, len(scales), len(squares)).mean(axis=0)
        mean: Floats = np.sort(answers, axis=0)[len(scales) // 4 :].mean(axis=0)
        return mean

    def _look(self, image: Image, squares: Boxes, degrees: float = 0.0) -> Candidates:
        if not len(squares):
            return NONE
        scores, offsets, points = self._net.run(None, {"pictures": cut_patches(image, squares, SIZE, degrees)})
        sizes = squares[:, 2:] - squares[:, :2]
        places = squares[:, None, :2] + points.reshape(-1, 2, 5).transpose(0, 2, 1) * sizes[:, None, :]
        boxes = shift(squares, offsets)
        if not degrees:
            return Candidates(boxes, scores, places)
        around, middles = compute_centres(squares), compute_centres(boxes)
        moved = turn_points(middles[:, None], around, degrees)[:, 0] - middles
        return Candidates(boxes + np.concatenate([moved, moved], axis=1), scores, turn_points(places, around, degrees))


def _keep_elsewhere(candidates: Candidates, faces: Candidates) -> Candidates:
    """Return the candidates that do not lie where a face was found already."""
    if not len(faces.boxes) or not len(candidates.boxes):
        return candidates
    return candidates[count_supporters(candidates.boxes, faces.boxes, 0.2) == 0]

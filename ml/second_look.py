"""A second look at what may be a face: O-Net's answers to several views of it, averaged.

What is a face stays one when it is cut out a little closer or wider, or mirrored; what only resembles one at one
place falls apart. And a head that leans to a shoulder looks upright from a view that leans with it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.boxes import Boxes, Floats, centres, patches, resized, shifted, squared, supporters, suppress, turned
from ml.runtime import InferenceSession
from ml.types import Image

SIZE = 48  # pixels that O-Net sees
SURE = 0.9  # at the first glance; also what a leaning view must reach, since there are several to choose from
DOUBTFUL = 0.3  # less than this at first glance is no upright face
CONVINCED = 0.8  # what the mean of the upright views must reach
SCALES = (0.8, 0.9, 1.0, 1.1)  # of the box, for the views
TILTS = (-40.0, 40.0)  # degrees, clockwise, of the leaning views; upright views reach about 25
TILTED_SCALES = (0.9, 1.1)
QUARTERS = (0.0, 90.0, 180.0, -90.0)  # degrees, clockwise, by which a face may lie, standing upright first
# P-Net says "face" at several places and sizes around a real one; that many neighbours is what a doubtful one needs.
SUPPORT, SUPPORTING_OVERLAP = 5, 0.5
OVERLAP = 0.7  # of two boxes, over the smaller, above which they are of one face
MOST_LOOKS = 6  # candidates at which a second look is taken: the best, so that odd photos cost little


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
        return self[suppress(self.boxes, self.scores, OVERLAP, over="smaller")]


NONE = Candidates(np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty((0, 5, 2), np.float32))


class SecondLook:
    """O-Net, with doubts."""

    def __init__(self, output_net: InferenceSession) -> None:
        self._net = output_net

    def faces(self, image: Image, squares: Boxes, proposals: Boxes) -> Candidates:
        """Which of the squares (n, 4) are faces, with P-Net's proposals as witnesses."""
        seen = self._look(image, squares)
        sure = seen.scores > SURE
        faces = seen[sure].best_of_each()
        return faces + self._convincing(image, _elsewhere(seen[~sure], faces), proposals, faces)

    def lying(self, image: Image, boxes: Boxes) -> Floats:
        """By how many degrees, one of QUARTERS, each of the found faces (n, 4) is turned clockwise: (n,).

        In a face that is upside down the net may see an upright one, with landmarks where those of an upright face
        would be, but it is surer of the face the right way up.
        """
        squares = squared(boxes)
        views = np.concatenate([patches(image, squares, SIZE, degrees) for degrees in QUARTERS])
        surest = self._net.run(None, {"pictures": views})[0].reshape(len(QUARTERS), -1).argmax(axis=0)
        found = np.zeros(len(boxes), np.float32)
        for place in np.flatnonzero(surest):
            square, degrees = squares[place : place + 1], QUARTERS[surest[place]]
            if self._mean_score(image, square, SCALES, degrees) > self._mean_score(image, square, SCALES):
                found[place] = degrees
        return found

    def _convincing(self, image: Image, doubtful: Candidates, proposals: Boxes, faces: Candidates) -> Candidates:
        witnesses = supporters(doubtful.boxes, proposals, SUPPORTING_OVERLAP)
        doubtful = doubtful[witnesses >= SUPPORT].best_of_each()[:MOST_LOOKS]
        found = self._agreed(image, doubtful[doubtful.scores > DOUBTFUL], SCALES, CONVINCED)
        return found + _elsewhere(self._leaning(image, _elsewhere(doubtful, found)), faces + found)

    def _leaning(self, image: Image, doubtful: Candidates) -> Candidates:
        found = NONE
        for degrees in TILTS:
            seen = self._look(image, squared(doubtful.boxes), degrees)
            found += self._agreed(image, seen[seen.scores > SURE], TILTED_SCALES, SURE, degrees)
        return found.best_of_each()

    def _agreed(
        self, image: Image, seen: Candidates, scales: tuple[float, ...], threshold: float, degrees: float = 0.0
    ) -> Candidates:
        """Those whose mean score over all views is above the threshold, with that score."""
        if not len(seen.boxes):
            return NONE
        scores = self._mean_score(image, squared(seen.boxes), scales, degrees)
        return Candidates(seen.boxes, scores, seen.points)[scores > threshold]

    def _mean_score(self, image: Image, squares: Boxes, scales: tuple[float, ...], degrees: float = 0.0) -> Floats:
        """The mean (n,) over the scales, plain and mirrored, without the worst of four: the box may be a little off."""
        views = np.concatenate([patches(image, resized(squares, scale), SIZE, degrees) for scale in scales])
        views = np.concatenate([views, views[:, :, ::-1]])
        answers = self._net.run(None, {"pictures": views})[0].reshape(2, len(scales), len(squares)).mean(axis=0)
        mean: Floats = np.sort(answers, axis=0)[len(scales) // 4 :].mean(axis=0)
        return mean

    def _look(self, image: Image, squares: Boxes, degrees: float = 0.0) -> Candidates:
        if not len(squares):
            return NONE
        scores, offsets, points = self._net.run(None, {"pictures": patches(image, squares, SIZE, degrees)})
        sizes = squares[:, 2:] - squares[:, :2]
        places = squares[:, None, :2] + points.reshape(-1, 2, 5).transpose(0, 2, 1) * sizes[:, None, :]
        boxes = shifted(squares, offsets)
        if not degrees:
            return Candidates(boxes, scores, places)
        around, middles = centres(squares), centres(boxes)
        moved = turned(middles[:, None], around, degrees)[:, 0] - middles
        return Candidates(boxes + np.concatenate([moved, moved], axis=1), scores, turned(places, around, degrees))


def _elsewhere(candidates: Candidates, faces: Candidates) -> Candidates:
    """Those that are not around faces which are already found."""
    if not len(faces.boxes) or not len(candidates.boxes):
        return candidates
    return candidates[supporters(candidates.boxes, faces.boxes, 0.2) == 0]

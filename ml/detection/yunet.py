"""Finds faces with YuNet, whose ONNX file the user downloads and names, through OpenCV's FaceDetectorYN."""

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.detection.detector import LONG_SIDE, build_landmarks, clip_to_image, shrink
from ml.detector_file import DetectorFile
from ml.errors import ModelUnavailable
from ml.types import FaceDetection, Image

# From OpenCV's own sample: how sure a face must be, how much two boxes may overlap, and how many are compared.
SURE, OVERLAP, MOST_BOXES = 0.9, 0.3, 5000


class YunetDetector:
    """YuNet with the weights of a file. Build one per process or thread."""

    name = "yunet"

    def __init__(self, file: DetectorFile) -> None:
        """Load the file. Raises ModelUnavailable when it is missing, altered or no YuNet."""
        model = np.frombuffer(file.read(), np.uint8)
        try:
            self._net = cv2.FaceDetectorYN.create(
                "onnx", model, np.empty(0, np.uint8), (LONG_SIDE, LONG_SIDE), SURE, OVERLAP, MOST_BOXES
            )
            self._run_net(np.zeros((LONG_SIDE, LONG_SIDE, 3), np.uint8))
        except (cv2.error, SystemError) as error:
            raise ModelUnavailable(f"The face detector {file.path} is no YuNet that OpenCV can run: {error}") from error

    def detect(self, image: Image) -> list[FaceDetection]:
        """Find the faces, largest first. Boxes are in pixels of the image and lie within it."""
        small, scale = shrink(image, LONG_SIDE)
        height, width = image.shape[:2]
        found = []
        for row in self._run_net(small):
            corners = np.concatenate([row[:2], row[:2] + row[2:4]]) * np.float32(scale)
            if (box := clip_to_image(corners, width, height)) is not None:
                # The person's right eye is the left one for the viewer, so the order is that of Landmarks.
                points = build_landmarks(row[4:14].reshape(5, 2) * scale)
                found.append(FaceDetection(box, float(np.clip(row[14], 0, 1)), points))
        return sorted(found, key=lambda face: face.box.area, reverse=True)

    def _run_net(self, image: Image) -> NDArray[np.float32]:
        """Return rows, (n, 15), of x, y, width, height, five points and score."""
        # The net gets a square, whatever the shape of the photo: the files are made for one, and OpenCV 5 requires it.
        canvas = np.zeros((LONG_SIDE, LONG_SIDE, 3), np.uint8)
        canvas[: image.shape[0], : image.shape[1]] = image[..., ::-1]
        rows = self._net.detect(canvas)[1]
        return np.empty((0, 15), np.float32) if rows is None else np.asarray(rows, np.float32)

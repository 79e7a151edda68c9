"""YuNet, a face detector whose ONNX file the user downloads and names, on OpenCV's FaceDetectorYN."""

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.detection import LONG_SIDE, FaceDetector, MtcnnDetector, landmarks_at, shrunk, within
from ml.detector_file import DetectorFile
from ml.errors import ModelUnavailable
from ml.types import FaceDetection, Image

# Of OpenCV's own sample: how sure a face must be, how much two boxes may overlap, and how many are compared.
SURE, OVERLAP, MOST_BOXES = 0.9, 0.3, 5000


class YunetDetector:
    """YuNet with the weights of a file. Build one per process or thread."""

    name = "yunet"

    def __init__(self, file: DetectorFile) -> None:
        """Raises ModelUnavailable when the file is missing, altered or no YuNet."""
        model = np.frombuffer(file.read(), np.uint8)
        try:
            self._net = cv2.FaceDetectorYN.create(
                "onnx", model, np.empty(0, np.uint8), (LONG_SIDE, LONG_SIDE), SURE, OVERLAP, MOST_BOXES
            )
            self._found(np.zeros((LONG_SIDE, LONG_SIDE, 3), np.uint8))
        except (cv2.error, SystemError) as error:
            raise ModelUnavailable(f"The face detector {file.path} is no YuNet that OpenCV can run: {error}") from error

    def detect(self, image: Image) -> list[FaceDetection]:
        """Find the faces, largest first, boxes within the image, in its pixels."""
        small, scale = shrunk(image, LONG_SIDE)
        height, width = image.shape[:2]
        found = []
        for row in self._found(small):
            corners = np.concatenate([row[:2], row[:2] + row[2:4]]) * np.float32(scale)
            if (box := within(corners, width, height)) is not None:
                # The person's right eye is the left one for the viewer, so the order is that of Landmarks.
                points = landmarks_at(row[4:14].reshape(5, 2) * scale)
                found.append(FaceDetection(box, float(np.clip(row[14], 0, 1)), points))
        return sorted(found, key=lambda face: face.box.area, reverse=True)

    def _found(self, image: Image) -> NDArray[np.float32]:
        """Rows (n, 15): x, y, width, height, five points, score."""
        # A square, whatever the shape of the photo: the released files are made for one, and OpenCV 5 keeps to it.
        canvas = np.zeros((LONG_SIDE, LONG_SIDE, 3), np.uint8)
        canvas[: image.shape[0], : image.shape[1]] = image[..., ::-1]
        rows = self._net.detect(canvas)[1]
        return np.empty((0, 15), np.float32) if rows is None else np.asarray(rows, np.float32)


def load_detector(file: DetectorFile | None = None, threads: int = 1) -> FaceDetector:
    """The detector of the file, or MTCNN. Raises ModelUnavailable."""
    return YunetDetector(file) if file else MtcnnDetector(threads)

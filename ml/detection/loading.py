"""Chooses the detector."""

from ml.detection.detector import FaceDetector
from ml.detection.mtcnn import MtcnnDetector
from ml.detection.yunet import YunetDetector
from ml.detector_file import DetectorFile


def load_detector(file: DetectorFile | None = None, threads: int = 1) -> FaceDetector:
    """Load the detector of the file, or MTCNN without one.

    Raises ModelUnavailable when a file is missing or altered.
    """
    return YunetDetector(file) if file else MtcnnDetector(threads)

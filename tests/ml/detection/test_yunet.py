import hashlib
from pathlib import Path

import numpy as np
import pytest

from ml.detection.loading import load_detector
from ml.detection.yunet import YunetDetector
from ml.detector_file import DetectorFile
from ml.errors import ModelUnavailable
from tests.support.yunet_file import BOX, POINTS, yunet_like


def file_of(folder: Path, model: bytes) -> DetectorFile:
    path = folder / "yunet.onnx"
    path.write_bytes(model)
    return DetectorFile(path, hashlib.sha256(model).hexdigest())


@pytest.mark.parametrize("factor", [1, 2])
@pytest.mark.parametrize("height", [640, 480])
def test_serves_boxes_and_landmarks_in_pixels_of_the_photo(tmp_path: Path, factor: int, height: int) -> None:
    detector = load_detector(file_of(tmp_path, yunet_like()))
    (face,) = detector.detect(np.full((height * factor, 640 * factor, 3), 90, np.uint8))
    assert detector.name == "yunet"
    assert (face.box.x, face.box.y, face.box.width, face.box.height) == tuple(value * factor for value in BOX)
    assert face.confidence == pytest.approx(0.98, abs=0.01)
    points = [np.multiply(point, factor) for point in POINTS]
    assert face.landmarks.left_eye == pytest.approx(points[0])  # the viewer's left is the person's right
    assert face.landmarks.right_eye == pytest.approx(points[1])
    assert face.landmarks.mouth_right == pytest.approx(points[4])


def test_a_missing_file_is_reported_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="cannot be read"):
        YunetDetector(DetectorFile(tmp_path / "gone.onnx", "0" * 64))


def test_a_file_with_another_checksum_is_refused(tmp_path: Path) -> None:
    named = file_of(tmp_path, yunet_like())
    named.path.write_bytes(yunet_like() + b" ")
    with pytest.raises(ModelUnavailable, match="sha256"):
        YunetDetector(named)


def test_a_file_that_is_no_detector_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="no YuNet"):
        YunetDetector(file_of(tmp_path, b"not a net"))


def test_without_a_file_it_is_mtcnn() -> None:
    assert load_detector().name == "mtcnn"

import cv2
import numpy as np
import pytest
import skimage.data
from PIL import Image

from ml.detection.mtcnn import MtcnnDetector
from ml.preprocessing import measure_tilt
from ml.types import FaceDetection
from tests.support.photos import FACE, astronaut, overlap


def box_of(face: FaceDetection) -> tuple[int, int, int, int]:
    return face.box.x, face.box.y, face.box.width, face.box.height


def detect(detector: MtcnnDetector, image: Image.Image) -> list[FaceDetection]:
    return detector.detect(np.asarray(image))


def test_finds_one_face_with_its_landmarks(detector: MtcnnDetector) -> None:
    (face,) = detect(detector, astronaut())
    assert overlap(box_of(face), FACE) > 0.6
    assert face.confidence > 0.99
    points = face.landmarks
    assert points.left_eye[0] < points.nose[0] < points.right_eye[0]
    assert points.mouth_left[0] < points.nose[0] < points.mouth_right[0]
    assert points.left_eye[1] < points.nose[1] < points.mouth_left[1]
    assert points.right_eye[1] < points.nose[1] < points.mouth_right[1]
    # The eyes, as a person sees them in the picture.
    assert points.left_eye == pytest.approx((204, 101), abs=6)
    assert points.right_eye == pytest.approx((247, 103), abs=6)


@pytest.mark.parametrize("picture", [skimage.data.chelsea(), skimage.data.coffee()])
def test_finds_none_where_there_is_none(detector: MtcnnDetector, picture: np.ndarray) -> None:
    assert detector.detect(picture) == []


@pytest.mark.parametrize("size", [(1, 1), (5, 700), (700, 5), (12, 12), (40, 30)])
def test_odd_sizes_have_no_face(detector: MtcnnDetector, size: tuple[int, int]) -> None:
    assert detector.detect(np.full((*size, 3), 90, np.uint8)) == []


@pytest.mark.parametrize("factor", [0.25, 0.5, 2, 3.1])
def test_boxes_are_in_pixels_of_the_picture(detector: MtcnnDetector, factor: float) -> None:
    side = round(512 * factor)
    (face,) = detect(detector, astronaut().resize((side, side)))
    assert overlap(box_of(face), tuple(value * factor for value in FACE)) > 0.55


def test_mirrored_faces_are_found_at_the_mirrored_place(detector: MtcnnDetector) -> None:
    (face,) = detect(detector, astronaut().transpose(Image.Transpose.FLIP_LEFT_RIGHT))
    x, y, width, height = FACE
    assert overlap(box_of(face), (512 - x - width, y, width, height)) > 0.6


def test_faces_come_largest_first(detector: MtcnnDetector) -> None:
    canvas = Image.new("RGB", (1000, 512), "grey")
    canvas.paste(astronaut().resize((256, 256)), (0, 100))
    canvas.paste(astronaut(), (400, 0))
    large, small = detect(detector, canvas)
    assert large.box.area > 2 * small.box.area
    assert large.box.x > 400 > small.box.x


def test_finds_every_face_of_a_crowd(detector: MtcnnDetector) -> None:
    face = astronaut().crop((120, 10, 330, 230)).resize((128, 134))
    canvas = Image.new("RGB", (5 * 128, 3 * 134))
    for column in range(5):
        for row in range(3):
            canvas.paste(face, (column * 128, row * 134))
    assert len(detect(detector, canvas)) == 15


def test_finds_a_face_that_is_cropped_closely_and_clips_its_box(detector: MtcnnDetector) -> None:
    crop = astronaut().crop((178, 68, 272, 196))
    (face,) = detect(detector, crop)
    assert overlap(box_of(face), (0, 0, *crop.size)) > 0.6
    assert face.box.x >= 0
    assert face.box.y >= 0
    assert face.box.x + face.box.width <= crop.width
    assert face.box.y + face.box.height <= crop.height


def test_noise_is_no_face(detector: MtcnnDetector) -> None:
    noise = np.random.default_rng(5).integers(0, 256, (480, 640, 3), dtype=np.uint8)
    assert detector.detect(noise) == []


def middle_of(face: FaceDetection) -> tuple[float, float]:
    return face.box.x + face.box.width / 2, face.box.y + face.box.height / 2


def leaning(degrees: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the astronaut turned clockwise, with edges mirrored outward, and the matrix, (2, 3), that turned it."""
    matrix = np.asarray(cv2.getRotationMatrix2D((225, 120), -degrees, 1), np.float64)
    matrix[:, 2] += (75, 180)
    turned = cv2.warpAffine(skimage.data.astronaut(), matrix, (600, 600), borderMode=cv2.BORDER_REFLECT)
    return np.asarray(turned, np.uint8), matrix


@pytest.mark.parametrize("degrees", [-45, -30, -15, 15, 30, 45])
def test_finds_heads_that_lean_and_their_eyes(detector: MtcnnDetector, degrees: float) -> None:
    picture, matrix = leaning(degrees)
    wanted = matrix @ [225, 120, 1]
    # The mirrored edges hold faces upside down, which are found too.
    face = min(detector.detect(picture), key=lambda each: np.linalg.norm(np.subtract(middle_of(each), wanted)))
    assert np.linalg.norm(np.subtract(middle_of(face), wanted)) < 35
    assert measure_tilt(face.landmarks) == pytest.approx(degrees, abs=12)


def test_a_photo_of_heads_that_all_lean_is_searched_turned(detector: MtcnnDetector) -> None:
    face = astronaut().crop((120, 10, 330, 230)).resize((72, 76))
    row = Image.new("RGB", (5 * 72, 3 * 76))
    for index in range(15):
        row.paste(face, (index % 5 * 72, index // 5 * 76))
    found = detect(detector, row.rotate(-45, expand=True, fillcolor="grey"))
    assert len(found) == 15
    assert [face.box.area for face in found] == sorted((face.box.area for face in found), reverse=True)
    assert np.median([measure_tilt(face.landmarks) for face in found]) == pytest.approx(45, abs=10)


def test_a_large_head_that_leans_far_is_found(detector: MtcnnDetector) -> None:
    portrait = astronaut().crop((120, 10, 330, 230)).rotate(-60, expand=True, fillcolor="grey").resize((1200, 1260))
    (face,) = detect(detector, portrait)
    assert 300 < face.box.height < 900


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_face_on_its_side_or_upside_down_is_found_as_it_lies(detector: MtcnnDetector, quarters: int) -> None:
    picture = skimage.data.astronaut()
    (upright,) = detector.detect(picture)
    (face,) = detector.detect(np.ascontiguousarray(np.rot90(picture, quarters)))
    lies = (measure_tilt(face.landmarks) + 90 * quarters + 180) % 360 - 180
    assert lies == pytest.approx(measure_tilt(upright.landmarks), abs=5)
    x, y, wide, high = box_of(upright)
    for _ in range(quarters):
        x, y, wide, high = y, 512 - x - wide, high, wide
    assert overlap(box_of(face), (x, y, wide, high)) > 0.6


def test_an_upside_down_face_is_not_confused_with_the_upright_face_below_it(detector: MtcnnDetector) -> None:
    picture, _ = leaning(-15)  # the face again, in the edge that is mirrored upward
    high, low = sorted(detector.detect(picture)[:2], key=lambda face: face.box.y)
    assert measure_tilt(low.landmarks) == pytest.approx(-15, abs=10)
    assert abs(measure_tilt(high.landmarks)) > 150
    assert high.landmarks.left_eye[1] > high.landmarks.mouth_left[1]


def test_no_face_is_found_with_less_confidence_than_asked_for(detector: MtcnnDetector) -> None:
    doubtful = astronaut().crop((120, 10, 330, 230)).resize((21, 22)).resize((90, 94))
    canvas = Image.new("RGB", (400, 400), "grey")
    for index in range(16):
        canvas.paste(doubtful.rotate(4 * index), (index % 4 * 100, index // 4 * 100))
    assert all(face.confidence > 0.75 for face in detect(detector, canvas))


def test_a_portrait_that_fills_a_large_photo_is_found(detector: MtcnnDetector) -> None:
    portrait = astronaut().crop((160, 30, 290, 200)).resize((2600, 3400))
    (face,) = detect(detector, portrait)
    assert face.box.height > 2000


@pytest.mark.parametrize("picture", [skimage.data.rocket(), skimage.data.hubble_deep_field(), skimage.data.retina()])
def test_a_second_look_finds_no_faces_in_things(detector: MtcnnDetector, picture: np.ndarray) -> None:
    assert detector.detect(picture) == []

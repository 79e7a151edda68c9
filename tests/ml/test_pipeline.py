from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

from ml.errors import InvalidImage, ModelUnavailable
from ml.labels import Emotion
from ml.pipeline import EmotionPipeline
from ml.preprocessing import crop_face, normalise, to_pictures
from ml.registry import load_card
from ml.types import PhotoAnalysis
from tests.support.photos import FACE, FORMATS, astronaut, encoded, exif, overlap, turned


def boxes(analysis: PhotoAnalysis) -> list[tuple[int, int, int, int]]:
    return [
        (face.detection.box.x, face.detection.box.y, face.detection.box.width, face.detection.box.height)
        for face in analysis.faces
    ]


def test_reports_everything_about_a_photo_with_one_face(pipeline: EmotionPipeline) -> None:
    analysis = pipeline.analyze(encoded(astronaut()))
    (face,) = analysis.faces
    assert (analysis.width, analysis.height) == (512, 512)
    assert (analysis.model, analysis.detector) == ("reference-cnn@1", "mtcnn")
    assert overlap(boxes(analysis)[0], FACE) > 0.6
    assert sum(face.scores) == pytest.approx(1, abs=1e-5)
    assert face.dominant_emotion in Emotion
    assert face.confidence == max(face.scores)
    assert -1 <= face.valence <= 1
    assert min(asdict(analysis.timings).values()) > 0


def test_no_face_is_a_result(pipeline: EmotionPipeline) -> None:
    analysis = pipeline.analyze(encoded(Image.fromarray(skimage.data.coffee())))
    assert analysis.faces == ()
    assert (analysis.width, analysis.height) == (600, 400)


def test_the_face_is_what_the_network_saw(pipeline: EmotionPipeline, model_folder: Path) -> None:
    """The face is cropped at the detected box from the pixels of the photo, as the card says."""
    (face,) = pipeline.analyze(encoded(astronaut(), "PNG")).faces
    preprocessing = load_card("reference-cnn", model_folder).preprocessing
    crop = crop_face(np.asarray(astronaut()), face.detection.box, preprocessing)
    expected = to_pictures(normalise(crop[np.newaxis], preprocessing))[0]
    assert face.face.shape == (48, 48)
    assert np.array_equal(face.face, expected)


@pytest.mark.parametrize("image_format", FORMATS)
def test_every_format_gives_the_same_face(pipeline: EmotionPipeline, image_format: str) -> None:
    analysis = pipeline.analyze(encoded(astronaut(), image_format))
    assert overlap(boxes(analysis)[0], FACE) > 0.6


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_gives_the_same_face(pipeline: EmotionPipeline, orientation: int) -> None:
    expected = pipeline.analyze(encoded(astronaut(), "PNG"))
    photo = turned(astronaut(), orientation)
    analysis = pipeline.analyze(encoded(photo, "PNG", exif=exif(orientation=orientation)))
    assert boxes(analysis) == boxes(expected)
    assert analysis.faces[0].scores == expected.faces[0].scores
    assert np.array_equal(analysis.faces[0].face, expected.faces[0].face)


def test_a_large_photo_gives_its_own_pixels(pipeline: EmotionPipeline) -> None:
    large = astronaut().resize((2048, 2048), Image.Resampling.LANCZOS)
    analysis = pipeline.analyze(encoded(turned(large, 8), exif=exif(orientation=8)))
    assert (analysis.width, analysis.height) == (2048, 2048)
    assert overlap(boxes(analysis)[0], tuple(value * 4 for value in FACE)) > 0.6
    eye = analysis.faces[0].detection.landmarks.left_eye
    assert eye == pytest.approx((204 * 4, 101 * 4), abs=24)


@pytest.mark.parametrize("image_format", ["JPEG", "PNG"])
def test_a_small_face_in_a_large_photo_is_cropped_from_the_large_one(
    pipeline: EmotionPipeline, image_format: str
) -> None:
    """At the size for detection this face has about 30 pixels, but the network gets the detail of its 120."""
    canvas = Image.new("RGB", (3600, 2700), (128, 128, 128))
    canvas.paste(astronaut(), (1500, 1000))
    (face,) = pipeline.analyze(
        encoded(canvas, image_format, **({"quality": 95} if image_format == "JPEG" else {}))
    ).faces
    (close,) = pipeline.analyze(encoded(canvas.crop((1250, 800, 2250, 1600)), "PNG")).faces
    detail = np.abs(np.diff(face.face.astype(int), axis=1)).mean()
    assert detail > 0.8 * np.abs(np.diff(close.face.astype(int), axis=1)).mean()


def test_all_faces_of_a_photo_are_classified(pipeline: EmotionPipeline) -> None:
    canvas = Image.new("RGB", (1024, 512))
    canvas.paste(astronaut(), (0, 0))
    canvas.paste(astronaut().transpose(Image.Transpose.FLIP_LEFT_RIGHT), (512, 0))
    analysis = pipeline.analyze(encoded(canvas, "PNG"))
    assert len(analysis.faces) == 2
    assert analysis.faces[0].scores != analysis.faces[1].scores


@pytest.mark.parametrize("data", [b"", b"text", encoded(astronaut())[:9000]])
def test_bad_bytes_are_reported_to_the_owner(pipeline: EmotionPipeline, data: bytes) -> None:
    with pytest.raises(InvalidImage):
        pipeline.analyze(data)


def test_warming_up_changes_nothing(pipeline: EmotionPipeline) -> None:
    before = pipeline.analyze(encoded(astronaut()))
    pipeline.warm_up()
    assert pipeline.analyze(encoded(astronaut())).faces[0].scores == before.faces[0].scores


def test_a_missing_model_stops_at_loading(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"card\.json"):
        EmotionPipeline.load(models_dir=tmp_path)

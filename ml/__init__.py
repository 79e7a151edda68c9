"""Finds faces in photos, and says what emotion each appears to show.

    from ml import EmotionPipeline

    pipeline = EmotionPipeline.load()  # once per process or thread
    for face in pipeline.analyze(photo).faces:  # the bytes of a JPEG, PNG, WebP, HEIC, AVIF, BMP or TIFF
        print(face.detection.box, face.dominant_emotion, face.confidence)

| what goes through | shape and range |
| --- | --- |
| photo | the bytes of a file, at most 25 MB and 60 megapixels (`PhotoLimits`) |
| decoded image | (height, width, 3), uint8, RGB, 0..255, upright as the EXIF orientation says |
| boxes, landmarks | pixels of the upright original; left and right as the viewer sees them |
| grey faces | (faces, size, size), uint8, 0..255 |
| inputs of the classifier | (faces, size, size, 1), float32, mean 0 and standard deviation 1 in each face |
| scores | seven floats with sum 1, in the order of `EMOTIONS`, which is that of FER-2013's labels |
| confidence | 0..1; `dominant_emotion` has the highest score, which is the confidence |
| valence | -1..1, from the scores |

Faces come largest first; a photo may have none. `InvalidImage` tells the owner of a photo why it cannot be analysed,
`DecoderUnavailable` means that trying again later may help, and `ModelUnavailable` tells the operator which file is
missing or altered.

The package needs no Django, no database and no TensorFlow. Only `EmotionPipeline` loads ONNX Runtime and OpenCV, when
it is first asked for; everything else here is light.
"""

from typing import TYPE_CHECKING, Any

from ml.errors import DecoderKilled, DecoderUnavailable, InvalidImage, ModelUnavailable
from ml.labels import EMOTIONS, VALENCE, Emotion
from ml.photo import PhotoLimits
from ml.types import BoundingBox, FaceDetection, FaceEmotion, Landmarks, ModelCard, PhotoAnalysis, Timings

if TYPE_CHECKING:
    from ml.pipeline import EmotionPipeline

__all__ = [
    "EMOTIONS",
    "VALENCE",
    "BoundingBox",
    "DecoderKilled",
    "DecoderUnavailable",
    "Emotion",
    "EmotionPipeline",
    "FaceDetection",
    "FaceEmotion",
    "InvalidImage",
    "Landmarks",
    "ModelCard",
    "ModelUnavailable",
    "PhotoAnalysis",
    "PhotoLimits",
    "Timings",
]


def __getattr__(name: str) -> Any:
    """Load the pipeline when it is first asked for, so that `import ml.labels` stays light."""
    if name == "EmotionPipeline":
        from ml.pipeline import EmotionPipeline

        return EmotionPipeline
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

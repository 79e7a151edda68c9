"""The whole pipeline on labelled whole photos: which crop around a detected face suits a model."""

import json
import re
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ml.classifier import EmotionClassifier
from ml.detection import FaceDetector, MtcnnDetector
from ml.errors import InvalidImage
from ml.image import check_photo
from ml.labels import EMOTIONS, Emotion
from ml.pipeline import EmotionPipeline
from ml.types import FaceDetection, Image, ModelCard
from training.card_text import card_text
from training.confidence import Confidence, CoveragePoint, measure_confidence, risk_coverage
from training.errors import TrainingError
from training.evaluation import rounded
from training.files import write_whole
from training.folders import CLASS_FOLDERS, Labelled, find_images, folders_in
from training.metrics import NO_ANSWER, Labels, Metrics, measure

WEAK = 0.5  # a recall or a precision below this is told among the card's limitations
LARGE = 200  # pixels of the shorter side: a cropped face seldom has more
SAMPLE = 50  # images that are looked at to tell whole photos from cropped faces
TOLD = "labelled whole photos it was right in"  # is in the sentence that does


@dataclass(frozen=True, slots=True)
class CropFigures:
    """What one crop gives. The largest face of a photo counts.

    A photo without a found face counts as wrong: in the accuracy and in its class's recall, and in no column of the
    confusion, which is of the found faces.
    """

    margin: float
    aligned: bool
    left_out: tuple[Emotion, ...]  # classes whose photos do not count
    faces_found: int
    metrics: Metrics
    confidence: Confidence | None  # of the found faces; nothing if there is none
    at_threshold: CoveragePoint | None

    def as_dict(self) -> dict[str, Any]:
        """For JSON: all names on one level, the metrics' images as photos; numbers with four digits."""
        metrics = asdict(self.metrics)
        crop = {"margin": self.margin, "aligned": self.aligned, "left_out": list(self.left_out)}
        confidence = asdict(self.confidence) if self.confidence else {}
        at_threshold = {"at_threshold": asdict(self.at_threshold)} if self.at_threshold else {}
        figures: dict[str, Any] = rounded(
            crop
            | {"photos": metrics.pop("images"), "faces_found": self.faces_found}
            | metrics
            | confidence
            | at_threshold
        )
        return figures


class DetectedOnce:
    """A detector that answers at once when it is asked about the same picture again."""

    def __init__(self, detector: FaceDetector) -> None:
        self.name = detector.name
        self._detector = detector
        self._seen: Image = np.zeros((0, 0, 3), np.uint8)
        self._found: list[FaceDetection] = []

    def detect(self, image: Image) -> list[FaceDetection]:
        if not np.array_equal(image, self._seen):
            self._seen, self._found = image, self._detector.detect(image)
        return self._found


def compare_crops(
    weights: bytes, card: ModelCard, photos: Path, margins: Sequence[float], left_out: Sequence[Emotion] = ()
) -> list[CropFigures]:
    """Run the whole pipeline with each margin, aligned and not, over a folder of labelled photos, see find_photos.

    Faces are detected once per photo. Raises TrainingError if there is no photo, or one cannot be read.
    """
    labelled = find_photos(photos, left_out)
    crops = [(margin, aligned) for margin in margins for aligned in (False, True)]
    detector = DetectedOnce(MtcnnDetector())
    pipelines = [
        EmotionPipeline(
            detector,
            EmotionClassifier(
                weights, replace(card, preprocessing=replace(card.preprocessing, margin=margin, aligned=aligned))
            ),
        )
        for margin, aligned in crops
    ]
    scores = score_photos(pipelines, labelled, photos)
    labels = np.array([label for _, label in labelled], np.int64)
    return [
        _figures(margin, aligned, tuple(left_out), labels, of_crop, card.uncertain_below)
        for (margin, aligned), of_crop in zip(crops, scores, strict=True)
    ]


def find_photos(folder: Path, left_out: Sequence[Emotion] = ()) -> list[Labelled]:
    """Photos in class-named folders, or named by their class as in angry-00.jpg; other files are left alone.

    Raises TrainingError if there is none, or none but those of the classes that are left out.
    """
    if not folder.is_dir():
        raise TrainingError(f"There is no folder {folder}. Name a folder of photos.")
    found = find_images(folder) if folders_in(folder) else _named_by_class(folder)
    unwanted = {EMOTIONS.index(each) for each in left_out}
    if kept := [(file, label) for file, label in found if label not in unwanted]:
        return kept
    raise TrainingError(f"{folder} has no photos but those of {', '.join(left_out)}, which are left out.")


def _named_by_class(folder: Path) -> list[Labelled]:
    found = []
    for file in sorted(folder.iterdir()):
        prefix = re.match(r"[a-z]+", file.name.lower())
        if file.is_file() and prefix and prefix[0] in CLASS_FOLDERS:
            found.append((file, EMOTIONS.index(CLASS_FOLDERS[prefix[0]])))
    if not found:
        raise TrainingError(f"{folder} has no photos named by their class, such as angry-00.jpg or angry/00.jpg.")
    return found


def score_photos(pipelines: Sequence[EmotionPipeline], labelled: list[Labelled], folder: Path) -> NDArray[np.float64]:
    """What each pipeline says of the largest face of each photo of `folder`, with a progress bar on a terminal.

    (pipelines, photos, classes); NaN for a photo without a found face. Raises TrainingError that names every photo
    that cannot be read.
    """
    scores = np.full((len(pipelines), len(labelled), len(EMOTIONS)), np.nan)
    errors: list[str] = []
    for column, (file, _) in enumerate(tqdm(labelled, "Photos", unit="photo", leave=False, disable=None)):
        try:
            for row, pipeline in enumerate(pipelines):
                if faces := pipeline.analyze(file.read_bytes()).faces:
                    scores[row, column] = faces[0].scores
        except InvalidImage as error:
            errors.append(f"{file.relative_to(folder)}: {error}")
    if errors:
        raise TrainingError(f"{folder} has photos that cannot be read:\n" + "\n".join(errors))
    return scores


def answers(scores: NDArray[np.float64]) -> Labels:
    """The class of each photo, (photos,), from its scores; NO_ANSWER where no face was found."""
    return np.where(np.isnan(scores[:, 0]), NO_ANSWER, scores.argmax(axis=1))


def look_whole(folder: Path) -> bool:
    """Tell whether most of a folder's images are far larger than cropped faces, by a sample of them."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    sides = [_shorter_side(file) for file in files[:: max(len(files) // SAMPLE, 1)]]
    known = [side for side in sides if side]
    return bool(known) and statistics.median(known) > LARGE


def freeze(crop: CropFigures, card_file: Path) -> None:
    """Let the model's card name this crop, what it gave, and the classes it did badly.

    The weights, and the figures of the splits, stay true. Raises TrainingError if the card cannot be written; it then
    stays as it was.
    """
    card = json.loads(card_file.read_text("utf-8"))
    card["preprocessing"] |= {"margin": crop.margin, "aligned": crop.aligned}
    card["whole_photos"] = crop.as_dict()
    others = [each for each in card.get("limitations", []) if TOLD not in each]
    card["limitations"] = [*others, limitation(crop)]
    write_whole(card_file, lambda file: file.write_text(card_text(card), "utf-8"), "The card stays as it was.")


def limitation(crop: CropFigures) -> str:
    """What people should know of the model's answers on whole photos, in a sentence."""
    classes = {name: each for name, each in crop.metrics.classes.items() if each.images}
    missed = [f"{name} ({each.recall:.0%} right)" for name, each in classes.items() if each.recall < WEAK]
    doubtful = [f"{name} ({each.precision:.0%} right)" for name, each in classes.items() if 0 < each.precision < WEAK]
    parts = [
        *([f"missed most of those labelled {', '.join(missed)}"] if missed else []),
        *([f"was mostly wrong where it answered {', '.join(doubtful)}"] if doubtful else []),
    ]
    known = f"On {crop.metrics.images:,} {TOLD} {crop.metrics.accuracy:.0%}"
    return f"{known}. It {', and '.join(parts)}." if parts else f"{known}."


def _shorter_side(file: Path) -> int:
    """In pixels; 0 if the file is no image."""
    try:
        photo = check_photo(file.read_bytes())
    except InvalidImage:
        return 0
    return min(photo.width, photo.height)


def _figures(
    margin: float,
    aligned: bool,
    left_out: tuple[Emotion, ...],
    labels: Labels,
    scores: NDArray[np.float64],
    threshold: float,
) -> CropFigures:
    found = ~np.isnan(scores[:, 0])
    judged = labels[found], scores[found].astype(np.float32)
    return CropFigures(
        margin,
        aligned,
        left_out,
        int(found.sum()),
        measure(labels, answers(scores)),
        measure_confidence(*judged) if found.any() else None,
        risk_coverage(*judged, np.array([threshold]))[0] if found.any() else None,
    )

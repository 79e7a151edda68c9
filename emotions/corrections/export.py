"""Export corrected faces for training, one folder for each emotion. Only the management command runs this."""

from __future__ import annotations

import csv
import math
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from django.conf import settings
from numpy.typing import NDArray
from tqdm import tqdm

from crm.models import Consent
from emotions.answers.models import EmotionRecord
from emotions.model_versions.services import active_model
from emotions.snapshots.photos import photo_limits
from ml.errors import InvalidImage
from ml.labels import EMOTIONS
from ml.preprocessing import crop_face
from ml.registry import load_card
from ml.sandbox import decode
from ml.types import BoundingBox, Landmarks, Preprocessing

MANIFEST = "manifest.csv"
COLUMNS = ("file", "emotion", "model_emotion", "model_confidence", "model", "model_version", "captured_month")
FACE_SIZE = 48  # pixels, as in FER-2013
# Faces are cut out at up to this many times that size, so that shrinking smooths them.
SHARPNESS = 2


class ExportRefused(RuntimeError):
    """Refuse to export. The message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Exported:
    faces: int
    unreadable: int  # faces whose photo is missing or broken


def exportable() -> Iterator[EmotionRecord]:
    """Yield the faces with a standing correction, if they are the customer's and the customer agreed to this use.

    Each face is read when its turn comes, to respect a consent that is withdrawn meanwhile.
    """
    agreed = [Consent.objects.standing(scope).values("customer") for scope in Consent.Scope]
    records = EmotionRecord.objects.current().of_subjects().filter(correction__isnull=False)
    for customers in agreed:
        records = records.filter(snapshot__customer__in=customers)
    for pk in tqdm(list(records.order_by("pk").values_list("pk", flat=True)), unit="face", disable=None):
        yield from records.filter(pk=pk).with_answers().select_related("snapshot").defer(None).defer("face_png")


def export_corrections(folder: Path) -> Exported:
    """Write DIR/EMOTION/NAME.png (48x48, grey, framed as the active model wants it) and a manifest; all or nothing.

    Raises ExportRefused while EXPORT_CORRECTIONS is off and for a folder with something in it, ModelUnavailable,
    OSError.
    """
    if not settings.EXPORT_CORRECTIONS:
        raise ExportRefused(
            "Exporting is off. If customers' faces may leave the CRM for training, set EXPORT_CORRECTIONS=true."
        )
    active = active_model()
    preprocessing = replace(load_card(active.folder, active.models_dir).preprocessing, size=FACE_SIZE)
    with _appearing_at_once(folder) as partial, (partial / MANIFEST).open("w", newline="") as opened:
        manifest = csv.DictWriter(opened, COLUMNS)
        manifest.writeheader()
        faces = unreadable = 0
        for emotion in EMOTIONS:
            (partial / emotion).mkdir()
        for record in exportable():
            row = _row(record)
            if _write_face(record, preprocessing, partial / row["file"]):
                manifest.writerow(row)
                faces += 1
            else:
                unreadable += 1
    return Exported(faces, unreadable)


def _row(record: EmotionRecord) -> dict[str, str]:
    """Return the manifest's row for a face. The file gets a random name that leads to no customer."""
    assert record.correction  # noqa: S101 - only corrected faces are exported
    emotion = record.correction.emotion
    return {
        "file": f"{emotion}/{uuid.uuid4()}.png",
        "emotion": emotion,
        "model_emotion": record.dominant_emotion,
        "model_confidence": f"{record.confidence:.4f}",
        "model": record.model_version.name,
        "model_version": record.model_version.version,
        "captured_month": f"{record.snapshot.captured_at:%Y-%m}",
    }


def _write_face(record: EmotionRecord, preprocessing: Preprocessing, file: Path) -> bool:
    """Write the face, and return whether its photo could be read."""
    try:
        with record.snapshot.file.open("rb") as photo:
            data = photo.read()
    except (FileNotFoundError, ValueError):  # the photo was deleted meanwhile
        return False
    try:
        face = _cut(data, record, preprocessing)
    except InvalidImage:
        return False
    encoded = cv2.imencode(".png", face)[1]
    file.write_bytes(encoded.tobytes())
    return True


def _cut(data: bytes, record: EmotionRecord, preprocessing: Preprocessing) -> NDArray[np.uint8]:
    """Cut the face from the photo, because the picture in its record has lost contrast. Raises InvalidImage."""
    box, snapshot = record.box, record.snapshot
    share = min(SHARPNESS * preprocessing.size / (max(box.width, box.height) * preprocessing.margin), 1.0)
    photo = decode(data, photo_limits(), math.ceil(max(snapshot.width, snapshot.height) * share))
    scaled = (max(round(side / photo.scale), least) for side, least in zip(astuple(box), (0, 0, 1, 1), strict=True))
    landmarks = Landmarks(**{name: (point[0], point[1]) for name, point in record.landmarks.items()})
    return crop_face(photo.image, BoundingBox(*scaled), preprocessing, landmarks)


@contextmanager
def _appearing_at_once(folder: Path) -> Iterator[Path]:
    """Yield a folder that gets its name at the end, and is deleted after an error. Raises ExportRefused."""
    folder = folder.absolute()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ExportRefused(f"{folder} exists already and is not an empty folder. Name a new one.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))  # readable by its owner only
    try:
        yield partial
        partial.rename(folder)  # this replaces an empty folder of that name
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise

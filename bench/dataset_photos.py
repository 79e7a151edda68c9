"""Write the snapshots, records and corrections of the benches' database. Import this when Django is set up."""

import io
import json
from dataclasses import dataclass, fields

import numpy as np
import skimage.data
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from numpy.typing import NDArray
from PIL import Image

from bench.copying import copy, uuids
from bench.dataset_rows import Integers, Source
from bench.pipeline import photo
from emotions.models import SCORE_FIELDS, EmotionCorrection, EmotionRecord, ModelVersion, Snapshot
from ml.labels import EMOTIONS, VALENCE

BATCH = 6_000  # snapshots written at once
FILES = 4  # files that all photos share
STATUSES = ("analysed", "no_face", "failed", "withheld")
STATUS_SHARES = (0.95, 0.03, 0.01, 0.01)
FACES_SHARES = (0.85, 0.1, 0.05)  # shares of photos with one, two and three faces
OTHER_SUBJECT = 0.1  # share of photos with several faces in which the customer is not the largest
OLD_MODEL_UNTIL = 0.4  # share of the photos, the oldest ones, that both models have analysed
CORRECTED = 0.04  # share of the customers' faces
TAKEN_BACK = 0.1  # share of the corrections
UNCERTAIN_BELOW = 0.4
# LIKELIEST says how often each emotion has the most weight, in the order of EMOTIONS. CLARITY is the shape of that
# emotion's gamma distribution; the shapes of all other emotions add up to 1.
LIKELIEST = (0.06, 0.03, 0.04, 0.40, 0.09, 0.08, 0.30)
CLARITY = 3.0
LANDMARKS = {
    "left_eye": [75, 100],
    "right_eye": [119, 103],
    "nose": [97, 128],
    "mouth_left": [74, 140],
    "mouth_right": [117, 142],
}


@dataclass(frozen=True)
class Plan:
    """Arrays with one value for each snapshot, in the order of their primary keys."""

    interaction: Integers  # primary key
    customer: Integers  # primary key
    captured: Integers  # seconds since the start
    status: Integers  # index into STATUSES
    faces: Integers
    subject: Integers  # index of the customer's face
    records: Integers  # number of records by both models
    records_before: Integers

    def part(self, places: slice) -> "Plan":
        return Plan(*(getattr(self, each.name)[places] for each in fields(self)))


def plan(source: Source, total: int, occurred: Integers, whom: Integers) -> Plan:
    """Plan as many snapshots as give `total` records. The last snapshot may lack some of its records."""
    chance = source.chance
    interaction = np.sort(chance.integers(0, len(occurred), total))
    old = np.arange(total) / total < OLD_MODEL_UNTIL
    status = chance.choice(len(STATUSES), total, p=STATUS_SHARES)
    faces = np.where(status == 0, chance.choice((1, 2, 3), total, p=FACES_SHARES), 0)
    subject = (source.some(total, OTHER_SUBJECT) & (faces > 1)).astype(np.int64)
    # Keep an even sample of these snapshots that has slightly more records than needed.
    share = total / (faces * (1 + old)).sum()
    kept = np.flatnonzero(source.some(total, share * (1 + 3 / total**0.5)))
    records = (faces * (1 + old))[kept]
    before = np.cumsum(records) - records
    last = int(np.searchsorted(before, total))
    kept, records, before = kept[:last], records[:last], before[:last]
    records[-1] = min(records[-1], total - before[-1])
    captured = occurred[interaction] + 60
    return Plan(
        interaction[kept] + 1,
        whom[interaction[kept]],
        captured[kept],
        status[kept],
        faces[kept],
        subject[kept],
        records,
        before,
    )


class Photos:
    def __init__(self, source: Source, by: int) -> None:
        self.source, self.by = source, by
        self.files, self.faces, self.versions = _files(), _faces(), _versions()
        self.corrected: list[Integers] = []  # primary keys of records, in the order of their corrections
        self.taken_back: list[Integers] = []

    def write(self, everything: Plan) -> None:
        for first in range(0, len(everything.status), BATCH):
            part = everything.part(slice(first, first + BATCH))
            self._write_snapshots(first, part)
            self._write_records(first, part)
        self._write_corrections()

    def _write_snapshots(self, first: int, part: Plan) -> None:
        count, times = len(part.status), self.source.times(part.captured)
        status = [STATUSES[place] for place in part.status.tolist()]
        halves = (uuids(count, self.source.chance) for _ in range(2))
        copy(
            Snapshot,
            count,
            self.source.chance,
            id=list(range(first + 1, first + count + 1)),
            interaction_id=part.interaction,
            customer_id=part.customer,
            file=["" if each == "withheld" else self.files[place % FILES] for place, each in enumerate(status)],
            original_name="IMG_0001.JPG",
            sha256=[f"{one}{other}" for one, other in zip(*halves, strict=True)],
            captured_at=times,
            created_at=times,
            due_at=times,
            finished_at=times,
            changed_at=times,
            width=640,
            height=480,
            status=status,
            error=["The analysis broke off several times." if each == "failed" else "" for each in status],
            attempts=1,
            model_version_id=[self.versions[0] if each in ("analysed", "no_face") else None for each in status],
        )

    def _write_records(self, first: int, part: Plan) -> None:
        snapshot = np.repeat(np.arange(len(part.records)), part.records)  # index of each record's snapshot
        count = len(snapshot)
        number = int(part.records_before[0]) + np.arange(count)
        # The position among the snapshot's records, in which those by the newer model come first.
        place = number - part.records_before[snapshot]
        face, version = place % part.faces[snapshot], place // part.faces[snapshot]
        subject = face == part.subject[snapshot]
        scores = self._scores(count)
        times = self.source.times(part.captured[snapshot])
        copy(
            EmotionRecord,
            count,
            self.source.chance,
            id=number + 1,
            snapshot_id=first + 1 + snapshot,
            model_version_id=np.array(self.versions)[version],
            face_index=face,
            is_subject=subject,
            box_x=40 + 150 * face,
            box_y=self.source.chance.integers(20, 200, count),
            box_width=120 - 20 * face,
            box_height=150 - 20 * face,
            detection_confidence=self.source.chance.uniform(0.9, 1, count),
            landmarks=json.dumps(LANDMARKS),
            **{field: scores[:, place] for place, field in enumerate(SCORE_FIELDS)},
            dominant_emotion=[EMOTIONS[place].value for place in scores.argmax(1).tolist()],
            confidence=scores.max(1),
            valence=scores @ np.array([VALENCE[emotion] for emotion in EMOTIONS]),
            face_png=[self.faces[each % len(self.faces)] for each in number.tolist()],
            correction_id=self._corrections(number + 1, subject & (version == 0)),
            created_at=times,
        )
        self.source.progress.update(count)

    def _scores(self, count: int) -> NDArray[np.float64]:
        shape = np.full((count, len(EMOTIONS)), 1 / (len(EMOTIONS) - 1))
        shape[np.arange(count), self.source.chance.choice(len(EMOTIONS), count, p=LIKELIEST)] = CLARITY
        drawn = self.source.chance.standard_gamma(shape)
        return np.asarray(drawn / drawn.sum(1, keepdims=True), np.float64)

    def _corrections(self, records: Integers, may_be: NDArray[np.bool_]) -> list[int | None]:
        """Draw corrections, and return for each record the primary key of the one that stands, or None."""
        said = may_be & self.source.some(len(records), CORRECTED)
        back = said & self.source.some(len(records), TAKEN_BACK)
        before = sum(map(len, self.corrected))
        self.corrected.append(records[said])
        self.taken_back.append(records[back])
        keys = before + np.cumsum(said)
        return [key if stands else None for key, stands in zip(keys.tolist(), (said & ~back).tolist(), strict=True)]

    def _write_corrections(self) -> None:
        said, back = np.concatenate(self.corrected), np.concatenate(self.taken_back)
        emotions = self.source.chance.choice([emotion.value for emotion in EMOTIONS], len(said)).tolist()
        count = len(said) + len(back)
        copy(
            EmotionCorrection,
            count,
            self.source.chance,
            id=list(range(1, count + 1)),
            record_id=np.concatenate((said, back)),
            emotion=emotions + [""] * len(back),
            corrected_by_id=self.by,
            created_at=self.source.times(np.full(count, self.source.seconds)),
        )


def _versions() -> list[int]:
    """Create two model versions, and return their primary keys: the current one first, then an older one."""
    newer, older = ("bench-residual", "2"), ("bench-reference", "1")
    return [
        ModelVersion.objects.create(name=name, version=version, sha256=version * 64, uncertain_below=UNCERTAIN_BELOW).pk
        for name, version in (newer, older)
    ]


def _files() -> list[str]:
    """Store the photos, and return their names."""
    return [default_storage.save(f"snapshots/bench/{n}.jpg", ContentFile(photo(640, 480))) for n in range(FILES)]


def _faces() -> list[bytes]:
    """Return pictures of faces as PNG, about as large as those of real records."""
    grey = Image.fromarray(skimage.data.astronaut()).convert("L")
    written = [io.BytesIO() for _ in range(16)]
    for number, file in enumerate(written):
        grey.crop((140 + number, 55, 310 + number, 225)).resize((48, 48)).save(file, "PNG")
    return [file.getvalue() for file in written]

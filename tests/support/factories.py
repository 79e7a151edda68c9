"""Make rows for tests: `SnapshotFactory()`, `SnapshotFactory(analysed=True)`, `CustomerFactory(consenting=False)`."""

import hashlib
import io
from datetime import timedelta
from functools import cache
from typing import Any

import factory
import skimage.data
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from PIL import Image

from crm.models import Consent, Customer, Interaction, User
from emotions.models import EmotionCorrection, EmotionRecord, ModelVersion, Snapshot
from emotions.sentiment.points import refresh_points
from emotions.snapshots.models import GIVEN_UP
from emotions.snapshots.photos import CheckedPhoto, check_upload
from ml.image import strip
from ml.labels import EMOTIONS, VALENCE, Emotion


@cache
def face() -> Image.Image:
    """Return a small picture with a smiling face that fills its middle."""
    return Image.fromarray(skimage.data.astronaut()).crop((128, 0, 320, 240))


@cache
def small_face() -> Image.Image:
    return face().resize((64, 80))


def jpeg(image: Image.Image, comment: object = "") -> bytes:
    """Encode the picture. The comment makes files differ that show the same."""
    written = io.BytesIO()
    image.save(written, "JPEG", quality=85, comment=str(comment).encode())
    return written.getvalue()


def face_photo(number: object = 0) -> bytes:
    """Return a JPEG with one face, a different file for each number."""
    return jpeg(face(), number)


def small_photo(number: object = 0) -> bytes:
    """Return a JPEG of the same face, so small that it is analysed quickly, a different file for each number."""
    return jpeg(small_face(), f"small {number}")


def faceless_photo(number: object = 0) -> bytes:
    return jpeg(Image.fromarray(skimage.data.coffee()).resize((200, 133)), number)


def uploaded_bytes(number: object = 0) -> bytes:
    return face_photo(f"uploaded {number}")


def uploaded_photo(number: object = 0) -> CheckedPhoto:
    """Return a photo as forms pass it to services, different for each number and from every factory's photos."""
    return checked(uploaded_bytes(number), f"IMG_{number}.JPG")


def stored_bytes(number: object = 0) -> bytes:
    """Return the bytes of the uploaded photo as they are stored on the disk."""
    return strip(uploaded_bytes(number))


def checked(photo: bytes, name: str = "photo.jpg") -> CheckedPhoto:
    return check_upload(SimpleUploadedFile(name, photo))


@cache
def face_as_seen() -> bytes:
    written = io.BytesIO()
    face().crop((30, 55, 162, 187)).convert("L").resize((48, 48)).save(written, "PNG")
    return written.getvalue()


class UserFactory(factory.django.DjangoModelFactory):
    """A member of staff, whose password is "password"."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"staff{n}")
    email = factory.LazyAttribute(lambda user: f"{user.username}@example.com")
    password = factory.django.Password("password")
    is_staff = True


class CustomerFactory(factory.django.DjangoModelFactory):
    """A customer who has agreed to photos and their analysis, unless `consenting=False`."""

    class Meta:
        model = Customer
        skip_postgeneration_save = True

    name = factory.Sequence(lambda n: f"Customer {n}")
    email = factory.Sequence(lambda n: f"customer{n}@example.com")

    @factory.post_generation  # type: ignore[untyped-decorator]  # typed in name only
    def consenting(customer, create: bool, wanted: bool | None, **kwargs: Any) -> None:
        if create and wanted is not False:
            ConsentFactory(customer=customer)


class ConsentFactory(factory.django.DjangoModelFactory):
    """A granted consent. `granted=False` withdraws it."""

    class Meta:
        model = Consent

    customer = factory.SubFactory(CustomerFactory, consenting=False)
    granted = True
    notice_version = "2026-11"
    obtained_by = Consent.ObtainedBy.IN_PERSON
    recorded_by = factory.SubFactory(UserFactory)


class InteractionFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Interaction

    customer = factory.SubFactory(CustomerFactory)
    kind = Interaction.Kind.VISIT
    occurred_at = factory.LazyFunction(lambda: timezone.now() - timedelta(hours=1))
    staff = factory.SubFactory(UserFactory)
    notes = "Asked about delivery times."


class ModelVersionFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = ModelVersion
        django_get_or_create = ("name", "version", "sha256")

    name = "reference-cnn"
    version = "1"
    sha256 = "0" * 64


class SnapshotFactory(factory.django.DjangoModelFactory):
    """A pending snapshot with a real photo of one face. Traits: analysed, no_face, failed, withheld."""

    class Meta:
        model = Snapshot
        skip_postgeneration_save = True

    class Params:
        photo = factory.LazyAttributeSequence(
            lambda new, number: (faceless_photo if new.finished == Snapshot.Status.NO_FACE else face_photo)(number)
        )
        analysed = factory.Trait(
            finished=Snapshot.Status.ANALYSED,
            model_version=factory.SubFactory(ModelVersionFactory),
            record=factory.RelatedFactory(
                "tests.support.factories.EmotionRecordFactory", factory_related_name="snapshot"
            ),
        )
        no_face = factory.Trait(finished=Snapshot.Status.NO_FACE, model_version=factory.SubFactory(ModelVersionFactory))
        failed = factory.Trait(finished=Snapshot.Status.FAILED, error=GIVEN_UP, attempts=3)
        withheld = factory.Trait(finished=Snapshot.Status.WITHHELD, file="")
        finished = None

    interaction = factory.SubFactory(InteractionFactory)
    status = factory.LazyAttribute(lambda new: new.finished or Snapshot.Status.PENDING)
    finished_at = factory.LazyAttribute(lambda new: timezone.now() if new.finished else None)
    file = factory.LazyAttribute(lambda new: ContentFile(new.photo, "photo.jpg"))
    original_name = "IMG_0001.JPG"
    sha256 = factory.LazyAttribute(lambda new: hashlib.sha256(new.photo).hexdigest())
    captured_at = factory.LazyAttribute(lambda new: new.interaction.occurred_at)
    width = factory.LazyAttribute(lambda new: Image.open(io.BytesIO(new.photo)).width)
    height = factory.LazyAttribute(lambda new: Image.open(io.BytesIO(new.photo)).height)


class EmotionRecordFactory(factory.django.DjangoModelFactory):
    """The record of a face. `dominant_emotion="sad"` makes the scores fit; `score_sad=...` and so on set one."""

    class Meta:
        model = EmotionRecord
        skip_postgeneration_save = True

    snapshot = factory.SubFactory(
        SnapshotFactory, finished=Snapshot.Status.ANALYSED, model_version=factory.SubFactory(ModelVersionFactory)
    )
    model_version = factory.LazyAttribute(lambda new: new.snapshot.model_version or ModelVersionFactory())
    face_index = 0
    is_subject = factory.LazyAttribute(lambda new: new.face_index == 0)
    box_x, box_y, box_width, box_height = 51, 58, 90, 118
    detection_confidence = 0.9998
    landmarks = {  # noqa: RUF012
        "left_eye": [75.4, 100.4],
        "right_eye": [118.9, 103.2],
        "nose": [96.7, 127.7],
        "mouth_left": [73.6, 139.6],
        "mouth_right": [117.0, 141.7],
    }
    dominant_emotion = Emotion.HAPPY.value
    score_angry = factory.LazyAttribute(lambda new: score(new, Emotion.ANGRY))
    score_disgust = factory.LazyAttribute(lambda new: score(new, Emotion.DISGUST))
    score_fear = factory.LazyAttribute(lambda new: score(new, Emotion.FEAR))
    score_happy = factory.LazyAttribute(lambda new: score(new, Emotion.HAPPY))
    score_sad = factory.LazyAttribute(lambda new: score(new, Emotion.SAD))
    score_surprise = factory.LazyAttribute(lambda new: score(new, Emotion.SURPRISE))
    score_neutral = factory.LazyAttribute(lambda new: score(new, Emotion.NEUTRAL))
    confidence = factory.LazyAttribute(lambda new: max(scores(new)))
    valence = factory.LazyAttribute(
        lambda new: sum(part * VALENCE[emotion] for part, emotion in zip(scores(new), EMOTIONS, strict=True))
    )
    face_png = factory.LazyFunction(face_as_seen)

    @factory.post_generation  # type: ignore[untyped-decorator]  # typed in name only
    def point(record, create: bool, wanted: bool | None, **kwargs: Any) -> None:
        if create and wanted is not False:
            refresh_points([record.snapshot_id])


class EmotionCorrectionFactory(factory.django.DjangoModelFactory):
    """A person's correction of a record's face, which stands."""

    class Meta:
        model = EmotionCorrection
        skip_postgeneration_save = True

    record = factory.SubFactory(EmotionRecordFactory)
    emotion = Emotion.SAD.value
    corrected_by = factory.SubFactory(UserFactory)

    @factory.post_generation  # type: ignore[untyped-decorator]  # typed in name only
    def standing(correction, create: bool, wanted: bool | None, **kwargs: Any) -> None:
        correction.record.correction = correction
        correction.record.save()
        refresh_points([correction.record.snapshot_id])


def score(new: Any, emotion: Emotion) -> float:
    """Return 0.7 for the dominant emotion, and an equal share of the rest for each other one."""
    return 0.7 if new.dominant_emotion == emotion else 0.05


def scores(new: Any) -> list[float]:
    return [getattr(new, f"score_{emotion}") for emotion in EMOTIONS]

"""Test which uploads become snapshots, and what people are told about the others."""

import hashlib
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile, TemporaryUploadedFile
from django.utils import timezone
from PIL import Image
from pytest_django import Settings

from emotions.snapshots.photos import CheckedPhoto, PhotoRefused, check_upload, refuse_future, render_preview
from ml.image import decode
from tests.support.factories import face, face_photo
from tests.support.photos import animation, encoded, exif, png_that_claims, turned
from tests.support.private_photos import SECRET, private_photo

WIDTH, HEIGHT = face().size


def check(data: bytes, name: str = "photo.jpg") -> CheckedPhoto:
    return check_upload(SimpleUploadedFile(name, data))


def sixteen_bit() -> Image.Image:
    return Image.fromarray(np.asarray(face().convert("L")).astype(np.uint16) * 257)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "The file is empty"),
        (b"Dear diary, this is no photo.", "not a photo in a format that can be read"),
        (face_photo()[:4000], "incomplete or broken"),
        (png_that_claims(30_000, 30_000), "30000 x 30000 pixels"),
        (animation("GIF"), "Use JPEG, PNG, WebP, HEIC, AVIF, BMP or TIFF"),
        (animation("WEBP"), "animation"),
    ],
)
def test_a_bad_upload_is_refused_with_a_sentence(data: bytes, reason: str) -> None:
    with pytest.raises(PhotoRefused, match=reason) as refused:
        check(data)
    assert str(refused.value).endswith(".")


@pytest.mark.parametrize(
    ("picture", "image_format"),
    [
        (face().convert("CMYK"), "JPEG"),
        (sixteen_bit(), "PNG"),
        (face().convert("P"), "PNG"),
        (face().convert("RGBA"), "PNG"),
        (face().convert("L"), "JPEG"),
        (face(), "WEBP"),
        (face(), "HEIF"),
        (face(), "AVIF"),
        (face(), "BMP"),
        (face(), "TIFF"),
    ],
)
def test_every_kind_of_photo_is_accepted(picture: Image.Image, image_format: str) -> None:
    info = check(encoded(picture, image_format)).info
    assert (info.width, info.height) == (WIDTH, HEIGHT)


def test_an_upload_over_the_limit_is_not_even_read(settings: Settings) -> None:
    settings.MAX_PHOTO_BYTES = 1024 * 1024

    class Unreadable(SimpleUploadedFile):
        def read(self, *args: object) -> bytes:
            raise AssertionError("It was read.")

    with pytest.raises(PhotoRefused, match="larger than 1 MB"):
        check_upload(Unreadable("big.jpg", bytes(1024 * 1024 + 1)))


def test_the_pixel_limit_is_the_configured_one(settings: Settings) -> None:
    settings.MAX_PHOTO_PIXELS = WIDTH * HEIGHT - 1
    with pytest.raises(PhotoRefused, match="megapixels"):
        check(encoded(face(), "PNG"))


def test_a_checked_photo_knows_its_hash_and_its_upright_size() -> None:
    data = encoded(turned(face(), 6), exif=exif(orientation=6))
    photo = check(data)
    assert photo.sha256 == hashlib.sha256(data).hexdigest()
    assert (photo.info.width, photo.info.height) == (WIDTH, HEIGHT)


def taken(text: str, offset: str = "") -> bytes:
    return encoded(face(), exif=exif(taken=text, **({"offset": offset} if offset else {})))


def test_the_cameras_time_and_zone_are_kept() -> None:
    assert check(taken("2024:05:17 14:03:02", "+02:00")).captured_at == datetime(2024, 5, 17, 12, 3, 2, tzinfo=UTC)


def test_a_camera_without_a_zone_is_in_ours(settings: Settings) -> None:
    settings.TIME_ZONE = "Asia/Tokyo"
    assert check(taken("2024:05:17 14:03:02")).captured_at == datetime(2024, 5, 17, 5, 3, 2, tzinfo=UTC)


@pytest.mark.parametrize("offset", ["", "+00:00"])
def test_a_photo_from_the_future_counts_as_one_without_a_date(offset: str) -> None:
    in_two_days = timezone.now() + timedelta(days=2)
    photo = check(taken(f"{in_two_days:%Y:%m:%d %H:%M:%S}", offset))
    assert photo.captured_at is None
    assert f"taken on {in_two_days:%d %B %Y at %H:%M}, which is in the future." in photo.clock_hint


def test_nothing_is_said_of_a_clock_that_may_be_right() -> None:
    for data in (face_photo(), taken("2024:05:17 14:03:02"), taken("0000:00:00 00:00:00")):
        assert not check(data).clock_hint


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Pacific/Kiritimati"])
@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("0001:01:01 00:00:00", ""),
        ("0001:01:01 00:00:00", "+14:00"),
        ("1900:01:01 00:00:00", "+14:00"),
        ("9999:12:31 23:59:59", ""),
        ("9999:12:31 23:59:59", "-12:00"),
    ],
)
def test_a_time_that_no_camera_has_counts_as_none(text: str, offset: str, zone: str, settings: Settings) -> None:
    settings.TIME_ZONE = zone
    assert check(taken(text, offset)).captured_at is None


def test_who_is_told_of_a_future_photo_reads_the_cameras_own_time(settings: Settings) -> None:
    settings.TIME_ZONE = "Asia/Tokyo"
    for offset in ("", "-05:00"):
        assert "taken on 17 May 2999 at 14:03," in check(taken("2999:05:17 14:03:02", offset)).clock_hint


def test_a_camera_in_a_zone_ahead_of_ours_is_not_in_the_future(settings: Settings) -> None:
    settings.TIME_ZONE = "America/Los_Angeles"
    in_auckland = timezone.now().astimezone(UTC) + timedelta(hours=12)
    captured_at = check(taken(f"{in_auckland:%Y:%m:%d %H:%M:%S}")).captured_at
    assert captured_at
    assert captured_at <= timezone.now()


def test_a_clock_may_be_a_little_ahead() -> None:
    refuse_future(timezone.now() + timedelta(minutes=4))
    with pytest.raises(PhotoRefused):
        refuse_future(timezone.now() + timedelta(minutes=6))


def test_a_preview_is_small_upright_and_says_nothing_of_camera_or_place() -> None:
    large = face().resize((3000, 2000))
    preview = render_preview(encoded(turned(large, 8), exif=exif(orientation=8, taken="2024:05:17 14:03:02")))
    assert check(preview).info.width == 1280
    assert check(preview).captured_at is None
    assert b"Exif" not in preview


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "HEIF", "AVIF", "TIFF"])
def test_what_is_stored_says_nothing_of_place_and_camera_and_shows_the_same(image_format: str) -> None:
    sent = private_photo(image_format, orientation=1)
    photo = check(sent)
    photo.upload.seek(0)
    stored = photo.upload.read()
    assert SECRET in sent
    assert SECRET not in stored
    assert photo.upload.size == len(stored)
    assert np.array_equal(decode(stored).image, decode(sent).image)
    assert photo.sha256 == hashlib.sha256(sent).hexdigest()  # a file that is uploaded twice is recognised by this hash
    assert photo.info.captured_at == datetime(2024, 5, 17, 14, 3, 2)


def test_a_large_upload_on_the_disk_is_stored_without_its_metadata_too() -> None:
    sent = private_photo("JPEG")
    upload = TemporaryUploadedFile("photo.jpg", "image/jpeg", len(sent), None)
    upload.write(sent)
    name = default_storage.save("stripped.jpg", check_upload(upload).upload)
    with default_storage.open(name) as file:
        stored = file.read()
    assert SECRET not in stored
    assert stored.endswith(b"\xff\xd9")

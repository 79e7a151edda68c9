"""Test photos and faces as files, and what web processes load to serve them."""

import io
import subprocess
import sys

import pytest
from django.urls import reverse
from PIL import Image
from pytest_django import Settings

from emotions.models import Snapshot
from tests.support.factories import SnapshotFactory
from tests.support.factories import face as face_photo
from tests.support.workspace import browser_of

pytestmark = pytest.mark.django_db


def address(name: str, snapshot: Snapshot) -> str:
    return reverse(f"emotions:{name}", args=[snapshot.uuid])


def face(snapshot: Snapshot) -> str:
    return reverse("emotions:face", args=[snapshot.uuid, snapshot.records.get().pk])


def test_the_preview_is_a_jpeg_of_the_photo() -> None:
    answer = browser_of().get(address("preview", SnapshotFactory()))
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert Image.open(io.BytesIO(answer.content)).size == face_photo().size


def test_an_unchanged_preview_is_not_sent_again() -> None:
    browser, preview = browser_of(), address("preview", SnapshotFactory())
    etag = browser.get(preview).headers["ETag"]
    assert browser.get(preview, headers={"If-None-Match": etag}).status_code == 304


def test_the_original_is_the_file_as_it_was_added() -> None:
    snapshot = SnapshotFactory()
    answer = browser_of().get(address("original", snapshot))
    assert b"".join(answer.streaming_content) == snapshot.file.open().read()  # type: ignore[attr-defined]
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{snapshot.uuid}.jpg"'


def test_nginx_may_send_the_original(settings: Settings) -> None:
    settings.X_ACCEL_PREFIX = "/private-media/"
    snapshot = SnapshotFactory()
    answer = browser_of().get(address("original", snapshot))
    assert answer.headers["X-Accel-Redirect"] == f"/private-media/{snapshot.file.name}"
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{snapshot.uuid}.jpg"'
    assert not answer.content
    snapshot.file.storage.delete(snapshot.file.name)
    assert browser_of().get(address("original", snapshot)).status_code == 404


def test_the_face_has_the_networks_48_by_48_pixels() -> None:
    answer = browser_of().get(face(SnapshotFactory(analysed=True)))
    picture = Image.open(io.BytesIO(answer.content))
    assert (picture.format, picture.mode, picture.size) == ("PNG", "L", (48, 48))


def test_only_the_persons_own_browser_keeps_them() -> None:
    snapshot, browser = SnapshotFactory(analysed=True), browser_of()
    for each in (address("preview", snapshot), address("original", snapshot), face(snapshot)):
        headers = browser.get(each).headers
        assert headers["Cache-Control"] == "private, no-cache"
        assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("name", ["preview", "original"])
def test_a_withheld_photo_is_gone(name: str) -> None:
    assert browser_of().get(address(name, SnapshotFactory(withheld=True))).status_code == 404


@pytest.mark.parametrize("name", ["preview", "original"])
def test_a_file_that_was_lost_is_not_found(name: str) -> None:
    snapshot = SnapshotFactory()
    snapshot.file.storage.delete(snapshot.file.name)
    assert browser_of().get(address(name, snapshot)).status_code == 404


def test_the_web_loads_no_runtime() -> None:
    loaded = "import sys, config.wsgi; from django.urls import get_resolver; get_resolver().url_patterns; "
    forbidden = "sys.exit(', '.join({'cv2', 'onnxruntime', 'onnx', 'tensorflow'} & set(sys.modules)) or 0)"
    done = subprocess.run([sys.executable, "-c", loaded + forbidden], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr

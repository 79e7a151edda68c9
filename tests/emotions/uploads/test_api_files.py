"""Test photos, previews and faces as files."""

import io
from typing import Any

import pytest
from PIL import Image

from crm.models import Scope
from emotions.models import Snapshot
from tests.support.api import System
from tests.support.factories import EmotionRecordFactory, SnapshotFactory, UserFactory, face, face_as_seen
from tests.support.requests import NEVER

pytestmark = pytest.mark.django_db


def addresses(snapshot: Snapshot) -> list[str]:
    record = snapshot.records.get()
    return [f"snapshots/{snapshot.uuid}/photo", f"snapshots/{snapshot.uuid}/preview", f"records/{record.uuid}/face"]


def test_the_photo_is_the_file_as_it_was_sent() -> None:
    snapshot = SnapshotFactory()
    answer: Any = System().get(f"snapshots/{snapshot.uuid}/photo", headers={"Accept": "image/jpeg"})
    assert b"".join(answer.streaming_content) == snapshot.file.open().read()
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{snapshot.uuid}.jpg"'
    assert answer.headers["Content-Type"] == "image/jpeg"


def test_the_preview_is_a_jpeg() -> None:
    answer = System().get(f"snapshots/{SnapshotFactory().uuid}/preview")
    assert Image.open(io.BytesIO(answer.content)).size == face().size


def test_the_face_is_what_the_network_saw() -> None:
    answer = System().get(f"records/{EmotionRecordFactory().uuid}/face")
    assert (answer.content, answer.headers["Content-Type"]) == (face_as_seen(), "image/png")


def test_files_are_for_whoever_asked_and_not_sent_twice() -> None:
    api = System()
    for address in addresses(SnapshotFactory(analysed=True)):
        first = api.get(address)
        assert first.headers["Cache-Control"] == "no-store"
        again = api.get(address, headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")


def test_each_file_needs_its_scope() -> None:
    found = addresses(SnapshotFactory(analysed=True))
    photos, results = System(Scope.SNAPSHOTS_READ), System(Scope.RESULTS_READ)
    assert [photos.get(address).status_code for address in found] == [200, 200, 403]
    assert [results.get(address).status_code for address in found] == [403, 403, 200]


def test_files_out_of_reach_are_not_there() -> None:
    foreign = SnapshotFactory(analysed=True, interaction__customer__owner=UserFactory())
    api = System()
    assert {api.get(address).status_code for address in addresses(foreign)} == {404}
    assert api.get(f"records/{NEVER}/face").status_code == 404


def test_a_withheld_photo_is_gone() -> None:
    answer = System().get(f"snapshots/{SnapshotFactory(withheld=True).uuid}/photo")
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json")


def test_a_photo_that_is_missing_on_the_disk_is_told() -> None:
    snapshot = SnapshotFactory()
    snapshot.file.storage.delete(snapshot.file.name)
    assert {System().get(f"snapshots/{snapshot.uuid}/{file}").status_code for file in ("photo", "preview")} == {404}

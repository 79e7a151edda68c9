"""Test photos in a bucket that several machines share: store, analyse, show, delete, and survive an outage."""

import re
import urllib.error
import urllib.request
from typing import Any

import pytest
from pytest_django import Settings

from crm.consents.services import record_consent
from emotions.models import Snapshot
from emotions.uploads.services import StorageUnavailable, add_snapshot, add_snapshots
from tests.support.accounting import statuses
from tests.support.api import System
from tests.support.broker import Queue
from tests.support.bucket import Bucket
from tests.support.deployment import Deployment
from tests.support.factories import InteractionFactory, UserFactory, stored_bytes, uploaded_photo
from tests.support.requests import photo
from tests.support.waiting import wait_until

pytestmark = pytest.mark.parametrize("broker", ["redis"], indirect=True)
Status = Snapshot.Status


def files() -> set[str]:
    return set(Snapshot.objects.exclude(file="").values_list("file", flat=True))


def original(api: System, snapshot: Snapshot) -> Any:
    return api.get(f"snapshots/{snapshot.uuid}/photo")


def fetch(link: str) -> tuple[int, bytes, str]:
    try:
        with urllib.request.urlopen(link) as answer:  # noqa: S310 - the bucket's http address
            return answer.status, answer.read(), answer.headers["Content-Disposition"]
    except urllib.error.HTTPError as error:
        return error.code, b"", ""


def test_photos_are_analysed_from_the_bucket_and_leave_it_with_their_rows(
    deployment: Deployment, bucket: Bucket
) -> None:
    interaction = InteractionFactory()
    add_snapshot(interaction, uploaded_photo(1))
    api = System(user=UserFactory(is_superuser=True))
    sent = {"photos": [photo(2)]}
    assert api.post(f"interactions/{interaction.uuid}/snapshots", sent, format="multipart").status_code == 202
    worker = deployment.worker()
    wait_until(lambda: statuses() == [Status.ANALYSED] * 2, "both are analysed")
    assert bucket.names() == files()
    assert all(re.fullmatch(r"snapshots/\d{4}/\d\d/\d\d/[0-9a-f-]{36}\.jpg", name) for name in files())
    preview = api.get(f"snapshots/{Snapshot.objects.all()[0].uuid}/preview")
    assert (preview.status_code, preview.content[:3]) == (200, b"\xff\xd8\xff")
    Snapshot.objects.all()[0].delete()
    assert bucket.names() == files()
    assert len(bucket.names()) == 1
    assert "Traceback" not in worker.log.read_text()


def test_an_original_is_a_link_that_only_its_signature_opens(bucket: Bucket) -> None:
    snapshot = add_snapshot(InteractionFactory(customer__owner=UserFactory()), uploaded_photo())
    answer = original(System(user=UserFactory(is_superuser=True)), snapshot)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (302, "no-store")
    link = answer.headers["Location"]
    assert fetch(link)[:2] == (200, stored_bytes())
    assert "X-Amz-Expires=60&" in link
    assert fetch(link.partition("?")[0])[0] == 403
    assert fetch(link.replace("X-Amz-Expires=60&", "X-Amz-Expires=61&"))[0] == 403
    assert original(System(), snapshot).status_code == 404  # a user who may not see the customer gets no link


def test_a_link_is_void_after_its_time(bucket: Bucket, settings: Settings) -> None:
    settings.S3_LINK_SECONDS = 1
    link = original(System(user=UserFactory(is_superuser=True)), add_snapshot(InteractionFactory(), uploaded_photo()))
    # Links are valid for 60 s by default.
    wait_until(lambda: fetch(link.headers["Location"])[0] == 403, "the link is void", timeout=30)


def test_withdrawn_consent_empties_the_bucket(bucket: Bucket) -> None:
    interaction = InteractionFactory()
    add_snapshots(interaction, [uploaded_photo(1), uploaded_photo(2)])
    record_consent(interaction.customer, granted=False, obtained_by="in_person", recorded_by=UserFactory())
    assert (statuses(), bucket.names()) == ([Status.WITHHELD] * 2, set())


def test_without_the_bucket_an_upload_is_refused_and_nothing_is_half_done(bucket: Bucket) -> None:
    interaction, api = InteractionFactory(), System(user=UserFactory(is_superuser=True))
    bucket.stop()
    with pytest.raises(StorageUnavailable):
        add_snapshots(interaction, [uploaded_photo(1), uploaded_photo(2)])
    answer = api.post(f"interactions/{interaction.uuid}/snapshots", {"photos": [photo(3)]}, format="multipart")
    assert (answer.status_code, answer.json()["code"]) == (503, "storage_unavailable")
    bucket.start()
    assert (statuses(), bucket.names()) == ([], set())


def test_photos_wait_for_a_bucket_that_is_away_for_longer_than_their_attempts(
    deployment: Deployment, bucket: Bucket
) -> None:
    add_snapshot(InteractionFactory(), uploaded_photo())
    bucket.stop()
    worker = deployment.worker(ANALYSIS_MAX_ATTEMPTS="2")
    deployment.beat()
    wait_until(
        lambda: worker.log.read_text().count("waits. The bucket of the photos cannot be reached") >= 3, "3 tries"
    )
    api = System(user=UserFactory(is_superuser=True))
    preview = api.get(f"snapshots/{Snapshot.objects.get().uuid}/preview")
    assert (statuses(), preview.status_code, preview.json()["code"]) == ([Status.PENDING], 503, "unavailable")
    bucket.start()
    wait_until(lambda: statuses() == [Status.ANALYSED], "it is analysed")


def test_a_photo_that_is_gone_is_given_up(deployment: Deployment, bucket: Bucket, queue: Queue) -> None:
    snapshot = add_snapshot(InteractionFactory(), uploaded_photo())
    (bucket.files / str(snapshot.file)).unlink()
    deployment.worker(ANALYSIS_MAX_ATTEMPTS="2")
    deployment.beat()
    wait_until(lambda: statuses() == [Status.FAILED], "it is given up")

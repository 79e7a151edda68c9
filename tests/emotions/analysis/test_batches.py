"""Test photos that are claimed and stored together: a failure of one does not affect the others."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from django.db import Error, connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from crm.consents.services import record_consent
from crm.models import WebhookMessage
from emotions.analysis import services as analysis
from emotions.analysis.batches import Batch
from emotions.models import EmotionRecord, SentimentPoint, Snapshot
from ml.pipeline import EmotionPipeline
from ml.types import PhotoAnalysis
from tests.support.accounting import assert_accounted_for, statuses, stray_files
from tests.support.databases import cut_connections, on_sqlite
from tests.support.factories import SnapshotFactory, UserFactory, face_photo, faceless_photo, uploaded_bytes
from tests.support.threads import in_thread
from tests.support.waiting import wait_until
from tests.support.webhooks import WebhookEndpointFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("released_model")]
Status = Snapshot.Status


def waiting(count: int) -> list[Snapshot]:
    return [SnapshotFactory(photo=uploaded_bytes(number)) for number in range(count)]


def claimed() -> Batch:
    return Batch(Snapshot.objects.claim(4), analysis.pipeline())


@dataclass
class Altered:
    """A pipeline that behaves differently for one photo."""

    whole: EmotionPipeline
    at: int  # index of the photo, from 0
    calls: int = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self.whole, name)

    def analyze(self, data: bytes) -> PhotoAnalysis:
        self.calls += 1
        found = self.whole.analyze(data)
        return self.alter(found) if self.calls == self.at + 1 else found

    def alter(self, found: PhotoAnalysis) -> PhotoAnalysis:
        raise NotImplementedError


class Refused(Altered):
    def alter(self, found: PhotoAnalysis) -> PhotoAnalysis:
        return replace(found, faces=tuple(replace(face, scores=(2.0,) * 7) for face in found.faces))


class CutOff(Altered):
    def alter(self, found: PhotoAnalysis) -> PhotoAnalysis:
        in_thread(cut_connections).result()
        return found


def test_several_are_claimed_and_stored_together(media: Path) -> None:
    waiting(4)
    analysis.analyse(claimed())
    assert statuses() == [Status.ANALYSED] * 4
    assert Snapshot.objects.values("finished_at").distinct().count() == 1
    assert_accounted_for([], media)


def test_four_photos_cost_as_many_queries_as_one() -> None:
    waiting(6)
    costs = []
    for most in (1, 4, 1):  # the first round also creates the model's row
        batch = Batch(Snapshot.objects.claim(most), analysis.pipeline())
        with CaptureQueriesContext(connection) as queries:
            analysis.analyse(batch)
        costs.append(len(queries))
    assert statuses() == [Status.ANALYSED] * 6
    assert costs[1] == costs[2]


def test_each_photo_has_its_own_outcome(media: Path) -> None:
    waiting(2)
    SnapshotFactory(photo=faceless_photo())
    SnapshotFactory(photo=face_photo()[:3000])
    WebhookEndpointFactory()
    analysis.analyse(claimed())
    assert statuses() == [Status.ANALYSED, Status.ANALYSED, Status.NO_FACE, Status.FAILED]
    emitted = WebhookMessage.objects.order_by("type").values_list("type", flat=True)
    assert list(emitted) == ["snapshot.analysed", "snapshot.analysed", "snapshot.failed", "snapshot.no_face"]
    assert SentimentPoint.objects.count() == 2


def test_results_that_the_database_refuses_do_not_hold_up_the_others() -> None:
    waiting(4)
    batch = claimed()
    analysis.analyse(Batch(batch.claims, Refused(batch.ready, at=1)))  # type: ignore[arg-type]  # it wraps a pipeline
    assert statuses() == [Status.ANALYSED, Status.PENDING, Status.ANALYSED, Status.ANALYSED]
    assert list(Snapshot.objects.order_by("pk").values_list("attempts", flat=True)) == [1] * 4
    assert EmotionRecord.objects.count() == 3


def test_a_photo_without_its_file_is_tried_again_and_the_others_are_stored() -> None:
    snapshots = waiting(4)
    Path(snapshots[0].file.path).unlink()
    analysis.analyse(claimed())
    assert statuses() == [Status.PENDING] + [Status.ANALYSED] * 3


def test_a_photo_that_is_slow_to_read_does_not_hold_up_the_one_before_it() -> None:
    first, second, *_ = waiting(4)
    path = Path(second.file.path)
    path.unlink()
    os.mkfifo(path)
    batch = claimed()
    analysing = in_thread(lambda: analysis.analyse(batch))
    with path.open("wb") as pipe:  # returns once the analysis opens the pipe
        ended = Snapshot.objects.filter(pk=first.pk, status=Status.ANALYSED)
        wait_until(ended.exists, "the first is stored while the second is being read")
        assert statuses()[1:] == [Status.ANALYSING] * 3
        pipe.write(face_photo())
    analysing.result()
    assert statuses() == [Status.ANALYSED] * 4


def test_a_consent_withdrawn_in_the_middle_withholds_its_photo_alone(media: Path) -> None:
    snapshots = waiting(4)
    batch = claimed()
    customer, by = snapshots[2].interaction.customer, UserFactory()
    record_consent(customer, granted=False, obtained_by="written", recorded_by=by)
    analysis.analyse(batch)
    assert statuses() == [Status.ANALYSED, Status.ANALYSED, Status.WITHHELD, Status.ANALYSED]
    assert not stray_files(media)


def test_what_is_deleted_or_taken_over_in_the_middle_is_skipped() -> None:
    snapshots = waiting(4)
    batch = claimed()
    snapshots[0].delete()
    Snapshot.objects.filter(pk=snapshots[1].pk).update(claim_expires_at=snapshots[1].created_at)
    assert Snapshot.objects.filter(pk=snapshots[1].pk).claim_next()
    analysis.analyse(batch)
    assert statuses() == [Status.ANALYSING, Status.ANALYSED, Status.ANALYSED]


def test_what_does_not_fit_in_the_time_slice_waits_again_with_all_its_attempts(settings: Settings) -> None:
    settings.ANALYSIS_SLICE = 0
    waiting(4)
    analysis.analyse(claimed())
    assert statuses() == [Status.ANALYSED] + [Status.PENDING] * 3
    assert list(Snapshot.objects.order_by("pk").values_list("attempts", flat=True)) == [1, 0, 0, 0]
    assert Snapshot.objects.claim_next()


@pytest.mark.skipif(on_sqlite(), reason="SQLite has no connection that could break")
def test_when_the_database_goes_away_all_wait_again_with_all_their_attempts() -> None:
    waiting(4)
    batch = claimed()
    with pytest.raises(Error):
        analysis.analyse(Batch(batch.claims, CutOff(batch.ready, at=3)))  # type: ignore[arg-type]  # it wraps a pipeline
    connection.close()
    assert statuses() == [Status.PENDING] * 4
    assert set(Snapshot.objects.values_list("attempts", flat=True)) == {0}

"""Emit webhooks about the results of photos and about corrections."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from crm.webhooks.event_types import register
from crm.webhooks.events import emit, somebody_listens
from crm.webhooks.references import API, customer_reference, interaction_reference
from emotions.answers.models import EmotionCorrection, EmotionRecord
from emotions.answers.queries import model_answer
from emotions.outcomes.causes import Cause
from emotions.snapshots.models import Snapshot

CORRECTION_CREATED = "correction.created"
SNAPSHOT_EVENTS = {
    Snapshot.Status.ANALYSED: "snapshot.analysed",
    Snapshot.Status.NO_FACE: "snapshot.no_face",
    Snapshot.Status.FAILED: "snapshot.failed",
}


def register_events() -> None:
    register(
        {
            "snapshot.analysed": "A photo was analysed",
            "snapshot.no_face": "No face was found in a photo",
            "snapshot.failed": "A photo could not be analysed",
            CORRECTION_CREATED: "Somebody corrected what the model saw",
        }
    )


def emit_results(snapshot_ids: Iterable[int], cause: Cause) -> None:
    """Emit one event for each of these photos (primary keys) that has a result or has failed."""
    if not somebody_listens():  # Most installations have no webhooks, so save them the other queries.
        return
    finished = Snapshot.objects.filter(pk__in=snapshot_ids, status__in=SNAPSHOT_EVENTS)
    for snapshot in finished.select_related("customer", "interaction", "model_version"):
        data = _references(snapshot) | {"cause": cause.value}
        if snapshot.status == Snapshot.Status.ANALYSED:
            data["result"] = _result(snapshot)
        event_type = SNAPSHOT_EVENTS[Snapshot.Status(snapshot.status)]
        # A re-analysis may emit an event for every photo, so its events make way for others.
        emit(event_type, snapshot.customer, data, makes_way=cause == Cause.REANALYSIS)


def emit_correction(correction: EmotionCorrection) -> None:
    """Emit an event about a new correction, or about a correction that was taken back."""
    record = correction.record
    answer = {
        "id": str(correction.uuid),
        "record_id": str(record.uuid),
        "is_subject": record.is_subject,
        "emotion": correction.emotion or None,
        "created_at": correction.created_at,
    }
    data = _references(record.snapshot) | {"correction": answer}
    emit(CORRECTION_CREATED, record.snapshot.customer, data)


def _references(snapshot: Snapshot) -> dict[str, Any]:
    """Return references to the photo, its interaction and its customer, which every event contains."""
    return {
        "customer": customer_reference(snapshot.customer),
        "interaction": interaction_reference(snapshot.interaction),
        "snapshot": {
            "id": str(snapshot.uuid),
            "status": snapshot.status,
            "error": snapshot.error,
            "captured_at": snapshot.captured_at,
            "url": f"{API}/snapshots/{snapshot.uuid}",
        },
    }


def _result(snapshot: Snapshot) -> dict[str, Any] | None:
    """Return the model's answer for the subject; None when no face is the customer."""
    records = EmotionRecord.objects.current().of_subjects().filter(snapshot=snapshot)
    record = records.with_answers().first()
    if record is None:
        return None
    return {
        "record_id": str(record.uuid),
        "dominant_emotion": model_answer(record).emotion or "uncertain",
        "confidence": record.confidence,
        "valence": record.valence,
        "model": {"name": record.model_version.name, "version": record.model_version.version},
    }

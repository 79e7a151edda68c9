"""What other systems are told of photos and of what people say about them (crm.webhooks)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from crm.webhooks.event_types import register
from crm.webhooks.events import emit, somebody_listens
from crm.webhooks.references import API, customer_reference, interaction_reference
from emotions.answers.queries import model_answer
from emotions.models import EmotionCorrection, EmotionRecord, Snapshot

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


def snapshots_finished(snapshot_ids: Iterable[int], cause: str, **_: Any) -> None:
    """Tell how these ended; `cause` is "analysis", "reanalysis" or "subject_chosen". Withheld ones end in silence:
    the consent's own event says why."""
    if not somebody_listens():  # what most installations find, for each photo
        return
    finished = Snapshot.objects.filter(pk__in=snapshot_ids, status__in=SNAPSHOT_EVENTS)
    for snapshot in finished.select_related("interaction__customer", "model_version"):
        data = _about(snapshot) | {"cause": cause}
        if snapshot.status == Snapshot.Status.ANALYSED:
            data["result"] = _result(snapshot)
        event_type = SNAPSHOT_EVENTS[Snapshot.Status(snapshot.status)]
        # A re-analysis may tell of every photo there is.
        emit(event_type, snapshot.interaction.customer, data, makes_way=cause == "reanalysis")


def correction_created(correction: EmotionCorrection) -> None:
    """Tell what a person said of a face, or took back."""
    record = correction.record
    said = {
        "id": str(correction.uuid),
        "record_id": str(record.uuid),
        "is_subject": record.is_subject,
        "emotion": correction.emotion or None,
        "created_at": correction.created_at,
    }
    data = _about(record.snapshot) | {"correction": said}
    emit(CORRECTION_CREATED, record.snapshot.interaction.customer, data)


def _about(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "customer": customer_reference(snapshot.interaction.customer),
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
    """What the model says of the face that is the customer."""
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

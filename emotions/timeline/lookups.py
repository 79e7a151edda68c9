"""Find the photo or the face that a page is about, among those that the member of staff may see."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import Http404
from django.shortcuts import get_object_or_404

from emotions.access import StaffRequest
from emotions.answers.models import EmotionRecord
from emotions.corrections.queries import correctable
from emotions.corrections.services import counting
from emotions.snapshots.models import Snapshot
from emotions.timeline.cards import with_faces


def snapshot_or_404(request: StaffRequest, public_id: uuid.UUID) -> Snapshot:
    return get_object_or_404(with_faces(Snapshot.objects.visible_to(request.user)), uuid=public_id)


def face_or_404(request: StaffRequest, record_id: int, **conditions: Any) -> EmotionRecord:
    """Return the record that counts now for the face of this record.

    It is another record if the photo was analysed again after the page was loaded.
    """
    visible = EmotionRecord.objects.visible_to(request.user).defer("face_png").select_related("snapshot")
    if found := counting(get_object_or_404(visible, pk=record_id, **conditions)):
        return found
    raise Http404("The photo was analysed again meanwhile, and this face was not found.")


def correctable_or_404(request: StaffRequest, record_id: int, **conditions: Any) -> EmotionRecord:
    """Return the record that counts now, as `face_or_404` does, if it is of a face that staff may correct."""
    return get_object_or_404(correctable(request.user), pk=face_or_404(request, record_id, **conditions).pk)

"""Find the faces that staff may correct."""

from django.db.models import QuerySet

from crm.models import User
from emotions.answers.models import EmotionRecord


def correctable(user: User) -> QuerySet[EmotionRecord]:
    """Return the customers' faces, as the current model version found them, in photos that this person may see."""
    records = EmotionRecord.objects.visible_to(user).current().of_subjects().with_answers()
    return records.select_related("snapshot__customer").prefetch_related("cannot_tell__said_by")

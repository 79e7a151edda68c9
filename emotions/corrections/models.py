from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from crm.models import Customer, User
from emotions.answers.models import EmotionRecord
from ml.labels import EMOTIONS


class EmotionCorrectionQuerySet(models.QuerySet["EmotionCorrection"]):
    def visible_to(self, user: User) -> EmotionCorrectionQuerySet:
        return self.filter(record__snapshot__customer__in=Customer.objects.visible_to(user))


class EmotionCorrection(models.Model):
    """What a person saw in a face, be it what a model saw or something else; of several for a face the newest stands.

    Rows are only ever added. Each names the record that the person looked at; the records for which one stands
    name it in turn (see emotions.corrections.services).
    """

    uuid = models.UUIDField("public ID", default=uuid.uuid4, unique=True, editable=False)
    record = models.ForeignKey(EmotionRecord, models.CASCADE, related_name="corrections")
    emotion = models.CharField(
        max_length=10,
        blank=True,
        choices=[(e.value, e.value) for e in EMOTIONS],
        help_text="Empty: the person took back what was said, and the model's answer stands again.",
    )
    corrected_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = EmotionCorrectionQuerySet.as_manager()

    class Meta:
        ordering = ("-pk",)
        indexes = (models.Index(fields=["created_at", "id"], name="correction_by_creation"),)
        constraints = (
            models.CheckConstraint(
                condition=models.Q(emotion__in=["", *(e.value for e in EMOTIONS)]), name="correction_emotion_known"
            ),
        )

    def __str__(self) -> str:
        return f"{f'appears {self.emotion}' if self.emotion else 'taken back'}, says {self.corrected_by}"

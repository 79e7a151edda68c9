from __future__ import annotations

from django.db import models
from django.db.models import Q

from crm.models import Customer, User
from emotions.snapshots.models import Snapshot
from ml.labels import EMOTIONS


class SentimentPointQuerySet(models.QuerySet["SentimentPoint"]):
    def visible_to(self, user: User) -> SentimentPointQuerySet:
        customers = Customer.objects.visible_to(user)
        # A join with all customers would cost more than the rest of the query, so people who see everyone get none.
        return self.filter(customer__in=customers) if customers.query.where else self.all()


class SentimentPoint(models.Model):
    """The answer for the customer's face in one snapshot, copied into a narrow table for aggregation.

    There is a point for each snapshot in which the current model version found the customer's face. See
    emotions.sentiment.points.
    """

    snapshot = models.OneToOneField(Snapshot, models.CASCADE, primary_key=True, related_name="sentiment_point")
    # The second index below serves this foreign key too.
    customer = models.ForeignKey(Customer, models.CASCADE, db_index=False, related_name="sentiment_points")
    captured_at = models.DateTimeField(help_text="When the shutter fell.")
    emotion = models.CharField(
        max_length=10,
        blank=True,
        choices=[(e.value, e.value) for e in EMOTIONS],
        help_text="Empty: the model is uncertain, and nobody has said anything.",
    )
    by_person = models.BooleanField(help_text="Whether a person said so.")
    valence = models.FloatField(help_text="-1..1, from unpleasant to pleasant.")

    objects = SentimentPointQuerySet.as_manager()

    class Meta:
        # Each index holds every column that is aggregated, so that the table itself need not be read. They are key
        # columns, because SQLite has no INCLUDE.
        indexes = (
            models.Index(
                fields=["captured_at", "customer", "emotion", "by_person", "valence"], name="sentiment_in_time"
            ),
            models.Index(
                fields=["customer", "captured_at", "emotion", "by_person", "valence"], name="sentiment_of_customer"
            ),
        )
        constraints = (
            models.CheckConstraint(
                condition=Q(emotion__in=["", *(e.value for e in EMOTIONS)]), name="sentiment_emotion_known"
            ),
            models.CheckConstraint(condition=Q(valence__range=(-1, 1)), name="sentiment_valence_between_minus_1_and_1"),
            models.CheckConstraint(condition=~Q(emotion="", by_person=True), name="sentiment_of_a_person_is_certain"),
        )

    def __str__(self) -> str:
        return f"appears {self.emotion}" if self.emotion else "uncertain"

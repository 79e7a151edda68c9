from __future__ import annotations

from contextlib import suppress

from django.conf import settings
from django.db import IntegrityError, models, transaction
from django.db.models import Q

from crm.append_only import AppendOnlyModel, AppendOnlyQuerySet
from ml.types import ModelCard


class ModelVersionQuerySet(models.QuerySet["ModelVersion"]):
    def of(self, card: ModelCard) -> ModelVersion:
        """Return the row of this released model, and make it when it is first needed.

        A card whose answers would differ, because it was altered, has a row of its own.
        """
        weights = {"name": card.name, "version": card.version, "sha256": card.sha256}
        found = self.filter(**weights, fingerprint=card.fingerprint).first()
        if found is None:
            self._adopt(card, **weights)
            found, _ = self.get_or_create(
                **weights, fingerprint=card.fingerprint, defaults={"uncertain_below": card.uncertain_below}
            )
        return found

    def _adopt(self, card: ModelCard, **weights: str) -> None:
        """Give this model a row from before there were fingerprints, if its threshold is the same."""
        earlier = self.filter(**weights, fingerprint="", uncertain_below=card.uncertain_below)
        with suppress(IntegrityError), transaction.atomic():  # another process was faster
            earlier.update(fingerprint=card.fingerprint)


class ModelVersion(models.Model):
    """A released model that has produced records or was activated."""

    name = models.CharField(max_length=100)
    version = models.CharField(max_length=50)
    sha256 = models.CharField("SHA-256 of the weights", max_length=64)
    fingerprint = models.CharField(
        "SHA-256 of the weights and of all in the card that answers depend on",
        max_length=64,
        blank=True,
        default="",
        db_default="",
        help_text="Empty for a version from before fingerprints were kept.",
    )
    uncertain_below = models.FloatField(
        default=0.0, help_text="0..1, from the model card: an answer with less confidence counts as uncertain."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ModelVersionQuerySet.as_manager()

    class Meta:
        permissions = (("manage_models", "Can activate models and have photos analysed again"),)
        constraints = (
            models.UniqueConstraint(fields=["name", "version", "sha256", "fingerprint"], name="model_version_once"),
            models.CheckConstraint(
                condition=Q(uncertain_below__range=(0, 1)), name="model_version_threshold_between_0_and_1"
            ),
        )

    def __str__(self) -> str:
        return f"{self.name} {self.version}"

    def is_described_by(self, card: ModelCard) -> bool:
        mine = (self.name, self.version, self.sha256, self.fingerprint or card.fingerprint)
        return mine == (card.name, card.version, card.sha256, card.fingerprint)


class ModelActivationQuerySet(AppendOnlyQuerySet["ModelActivation"]):
    def newest(self) -> ModelActivation | None:
        """Return the activation that is in force; None until somebody activates a model: the settings name it then."""
        return self.select_related("model_version").order_by("-pk").first()


class ModelActivation(AppendOnlyModel):
    """Record that somebody activated a model. Rows are only ever added; the newest is in force."""

    model_version = models.ForeignKey(ModelVersion, models.PROTECT, related_name="activations")
    folder = models.CharField(max_length=100, help_text="The folder of its files, below MODELS_DIR.")
    activated_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    activated_at = models.DateTimeField(auto_now_add=True)

    objects = ModelActivationQuerySet.as_manager()

    class Meta:
        ordering = ("-pk",)

    def __str__(self) -> str:
        return f"{self.model_version}, activated by {self.activated_by or 'somebody'}"

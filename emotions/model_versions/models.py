from __future__ import annotations

from typing import Any, NoReturn

from django.conf import settings
from django.db import models

from crm.consents.models import AppendOnly
from emotions.answers.models import ModelVersion


class ModelActivationQuerySet(models.QuerySet["ModelActivation"]):
    def newest(self) -> ModelActivation | None:
        """The one that holds; None while nobody has chosen and the settings' model is used."""
        return self.select_related("model_version").order_by("-pk").first()

    def update(self, **values: Any) -> NoReturn:
        raise AppendOnly("An activation is never changed: activate another model instead.")

    def delete(self) -> NoReturn:
        raise AppendOnly("An activation is never deleted: activate another model instead.")


class ModelActivation(models.Model):
    """Somebody chose the model that analyses photos from then on. Only ever added to; the newest holds."""

    model_version = models.ForeignKey(ModelVersion, models.PROTECT, related_name="activations")
    folder = models.CharField(max_length=100, help_text="Where its files are, below MODELS_DIR.")
    activated_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    activated_at = models.DateTimeField(auto_now_add=True)

    objects = ModelActivationQuerySet.as_manager()

    class Meta:
        ordering = ("-pk",)

    def __str__(self) -> str:
        return f"{self.model_version}, activated by {self.activated_by or 'somebody'}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnly("An activation is never changed: activate another model instead.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnly("An activation is never deleted: activate another model instead.")

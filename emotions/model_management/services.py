"""Activate a model."""

from __future__ import annotations

from django.conf import settings
from django.db import transaction

from crm.models import User
from emotions.model_versions.models import ModelActivation, ModelVersion
from emotions.model_versions.services import ANOTHER_ACTIVATED, ActiveModel
from emotions.reanalyses.models import Reanalysis
from ml.errors import ModelUnavailable


def activate(folder: str, fingerprint: str, by: User) -> ModelActivation | None:
    """Let this model analyse photos from now on; return None if it is the active one already.

    Re-analyses with another model end. Raises ModelUnavailable, and changes nothing, if files are missing or altered,
    or if the fingerprint differs from the one that the person saw.
    """
    card = ActiveModel(folder, settings.MODELS_DIR).check()
    if card.fingerprint != fingerprint:
        raise ModelUnavailable(
            f"The files in {settings.MODELS_DIR / folder} are not the ones that the page showed: they are now"
            f" {card.name} {card.version}. Look at the Models page again."
        )
    with transaction.atomic():
        version = ModelVersion.objects.of(card)
        ModelVersion.objects.select_for_update().get(pk=version.pk)  # the second of two clicks sees the first
        newest = ModelActivation.objects.newest()
        if newest and (newest.folder, newest.model_version) == (folder, version):
            return None
        activation = ModelActivation.objects.create(model_version=version, folder=folder, activated_by=by)
        Reanalysis.objects.exclude(model_version=version).cancel(ANOTHER_ACTIVATED)
        return activation

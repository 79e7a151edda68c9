"""What the app does when something happens elsewhere."""

from functools import partial
from typing import Any

from celery.signals import worker_init, worker_process_init
from django.conf import settings
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models.signals import post_delete

from crm.models import Consent
from crm.signals import consent_recorded
from emotions.models import Snapshot
from emotions.services import withhold_unfinished
from ml.errors import ModelUnavailable
from ml.registry import check_model


def connect() -> None:
    consent_recorded.connect(on_consent, dispatch_uid="emotions.on_consent")
    post_delete.connect(delete_file, sender=Snapshot, dispatch_uid="emotions.delete_file")
    worker_init.connect(refuse_to_start_without_model, dispatch_uid="emotions.check_model")
    worker_process_init.connect(warm_up, dispatch_uid="emotions.warm_up")


def on_consent(consent: Consent, **_: Any) -> None:
    if not consent.granted and consent.scope == Consent.Scope.EMOTION_ANALYSIS:
        withhold_unfinished(consent.customer)


def delete_file(instance: Snapshot, **_: Any) -> None:
    if name := instance.file.name:
        transaction.on_commit(partial(default_storage.delete, name), robust=True)


def refuse_to_start_without_model(**_: Any) -> None:
    try:
        check_model(settings.EMOTION_MODEL, settings.MODELS_DIR)
    except ModelUnavailable as error:
        raise SystemExit(f"The worker cannot start. {error}") from error


def warm_up(**_: Any) -> None:
    from emotions import analysis  # only a worker's child process loads the pipeline

    analysis.pipeline()

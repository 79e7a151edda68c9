"""Connect this app to what happens in others: consents, deletions, health checks and metrics."""

from functools import partial
from typing import Any

from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Model
from django.db.models.signals import post_delete

from crm.models import Consent, Customer, Interaction
from crm.signals import consent_recorded, deletion_begins
from emotions.analysis import metrics, worker
from emotions.consents.services import withdraw_training, withhold_unfinished
from emotions.outcomes.events import register_events
from emotions.snapshots.models import Snapshot
from emotions.status.services import check_model
from jobs.health import endpoints as health
from jobs.health import metrics as site_metrics


def connect() -> None:
    consent_recorded.connect(on_consent, dispatch_uid="emotions.on_consent")
    deletion_begins.connect(lock_snapshots, dispatch_uid="emotions.lock_snapshots")
    post_delete.connect(delete_file, sender=Snapshot, dispatch_uid="emotions.delete_file")
    register_events()
    worker.connect()
    health.register("model", check_model)
    site_metrics.register(metrics.oldest_waiting)


def on_consent(consent: Consent, **_: Any) -> None:
    if not consent.granted and consent.scope == Consent.Scope.EMOTION_ANALYSIS:
        withhold_unfinished(consent.customer)
        withdraw_training(consent)


def lock_snapshots(sender: type[Model], pks: list[int], **_: Any) -> None:
    """Wait until nobody is writing a result or a correction to the photos that are about to be deleted.

    The customer or the interaction is locked already. Code that stores results takes the locks in the same order, so
    that no two transactions wait for each other.
    """
    if sender in (Customer, Interaction):
        owned = Snapshot.objects.filter(**{f"{sender._meta.model_name}__in": pks})
        list(owned.select_for_update(of=("self",)).order_by("pk").values_list("pk"))


def delete_file(instance: Snapshot, **_: Any) -> None:
    if name := instance.file.name:
        transaction.on_commit(partial(default_storage.delete, name), robust=True)

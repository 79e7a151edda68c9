"""What the app does when something happens elsewhere."""

import logging
from functools import partial
from typing import Any

from celery import current_app
from celery.signals import worker_init, worker_process_init
from django.conf import settings
from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.models import Model
from django.db.models.signals import post_delete

from crm import health, heartbeat
from crm import metrics as site_metrics
from crm.models import Consent, Customer, Interaction
from crm.signals import consent_recorded, deletion_begins
from emotions import events, metrics
from emotions.activation import active_model, detector_file, problem_of
from emotions.models import Snapshot
from emotions.services import withdraw_training, withhold_unfinished
from emotions.signals import snapshots_finished
from emotions.status import check_model
from ml.errors import ModelUnavailable

logger = logging.getLogger(__name__)

PHOTO_QUEUES = frozenset({"celery", "reanalysis"})


def connect() -> None:
    consent_recorded.connect(on_consent, dispatch_uid="emotions.on_consent")
    deletion_begins.connect(lock_snapshots, dispatch_uid="emotions.lock_snapshots")
    post_delete.connect(delete_file, sender=Snapshot, dispatch_uid="emotions.delete_file")
    events.register_events()
    snapshots_finished.connect(events.snapshots_finished, dispatch_uid="emotions.events")
    worker_init.connect(refuse_to_start_without_model, dispatch_uid="emotions.check_model")
    worker_process_init.connect(do_not_wait_for_the_disk, dispatch_uid="emotions.do_not_wait_for_the_disk")
    worker_process_init.connect(warm_up, dispatch_uid="emotions.warm_up")
    heartbeat.describe_by(loaded_model)
    health.register("model", check_model)
    site_metrics.register(metrics.oldest_waiting)


def on_consent(consent: Consent, **_: Any) -> None:
    if not consent.granted and consent.scope == Consent.Scope.EMOTION_ANALYSIS:
        withhold_unfinished(consent.customer)
        withdraw_training(consent)


def lock_snapshots(sender: type[Model], pks: list[int], **_: Any) -> None:
    """Wait until nobody writes an answer or a correction to what is going to be deleted.

    The customer or the interaction is locked by then. Who stores something takes them in the same order, so that
    neither can wait for what the other has.
    """
    if sender in (Customer, Interaction):
        owned = Snapshot.objects.filter(**{f"{sender._meta.model_name}__in": pks})
        list(owned.select_for_update(of=("self",)).order_by("pk").values_list("pk"))


def delete_file(instance: Snapshot, **_: Any) -> None:
    if name := instance.file.name:
        transaction.on_commit(partial(default_storage.delete, name), robust=True)


def refuse_to_start_without_model(**_: Any) -> None:
    """An operator mends what the settings name; a model that staff activated they can replace while workers wait."""
    if not takes_photos():
        return
    active = active_model()
    connection.close()  # the children, which are forked from here, must not share it
    if settings.DATABASE_POOL_SIZE:
        connection.close_pool()  # type: ignore[attr-defined]  # nor one that PostgreSQL's pool still holds
    try:
        if detector := detector_file():
            detector.read()
    except ModelUnavailable as error:
        raise SystemExit(f"The worker cannot start. {error}") from error
    if problem := problem_of(active):
        if active.is_of_settings:
            raise SystemExit(f"The worker cannot start. {problem}")
        logger.error("Photos wait. %s", problem)


def takes_photos() -> bool:
    """Whether this worker listens to a queue for which it needs the nets."""
    return not PHOTO_QUEUES.isdisjoint(current_app.amqp.queues.consume_from)


def do_not_wait_for_the_disk(**_: Any) -> None:
    """From now on this process of a worker, which can do again whatever PostgreSQL loses in a crash."""
    if takes_photos() and not settings.PGBOUNCER:  # which would hand the connection on to others as it is
        connection_created.connect(_commit_soon, dispatch_uid="emotions.commit_soon")


def _commit_soon(connection: BaseDatabaseWrapper, **_: Any) -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET synchronous_commit TO off")


def warm_up(**_: Any) -> None:
    if not takes_photos():
        return
    from emotions import analysis  # only a worker's child process loads the pipeline

    try:
        analysis.pipeline()
    except ModelUnavailable as error:
        logger.error("Photos wait. %s", error)
    finally:
        connection.close()  # Celery, too, makes a new process start with none


def loaded_model() -> str:
    """Of this process of a worker; empty where it needs none or has none yet."""
    if not takes_photos():
        return ""
    from emotions import analysis  # as above

    return analysis.loaded_model()

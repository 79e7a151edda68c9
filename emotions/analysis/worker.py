"""Prepare a worker for photos: check the model at its start, load it in each process of its pool."""

import logging
from typing import Any

from celery import current_app
from celery.signals import worker_init, worker_process_init
from django.conf import settings
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from emotions.model_versions.services import active_model, detector_file, problem_of
from jobs.health import heartbeat
from ml.errors import ModelUnavailable

logger = logging.getLogger(__name__)

PHOTO_QUEUES = frozenset({"celery", "reanalysis"})


def connect() -> None:
    worker_init.connect(refuse_to_start_without_model, dispatch_uid="emotions.check_model")
    worker_process_init.connect(do_not_wait_for_the_disk, dispatch_uid="emotions.do_not_wait_for_the_disk")
    worker_process_init.connect(warm_up, dispatch_uid="emotions.warm_up")
    heartbeat.describe_by(loaded_model)


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
    from emotions.analysis import services as analysis  # only a worker's child process loads the pipeline

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
    from emotions.analysis import services as analysis  # as above

    return analysis.loaded_model()

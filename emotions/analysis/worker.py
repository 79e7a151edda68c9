"""Prepare a worker for photos: check the model when it starts, and load the model in each process of its pool."""

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
    """Exit if the model or detector of the settings cannot be used, so that the operator notices.

    If a model that staff activated is unusable, only log that: staff can activate another while the workers wait.
    """
    if not takes_photos():
        return
    active = active_model()
    connection.close()  # child processes are forked from here, and must not share it
    if settings.DATABASE_POOL_SIZE:
        connection.close_pool()  # type: ignore[attr-defined]  # nor the connections of the pool
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
    """Return whether this worker listens to a queue with photos, and so needs the model and the detector."""
    return not PHOTO_QUEUES.isdisjoint(current_app.amqp.queues.consume_from)


def do_not_wait_for_the_disk(**_: Any) -> None:
    """Let PostgreSQL commit this process's work before it is on the disk.

    Work that PostgreSQL loses in a crash is done again.
    """
    if takes_photos() and not settings.PGBOUNCER:  # PgBouncer would pass the changed connection on to others
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
        connection.close()  # a new process of Celery's starts without one too


def loaded_model() -> str:
    """Return the model that this worker process has loaded; empty if it needs none or has loaded none yet."""
    if not takes_photos():
        return ""
    from emotions.analysis import services as analysis  # for the same reason

    return analysis.loaded_model()

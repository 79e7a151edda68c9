"""Define the Celery application: `celery -A jobs worker`, `celery -A jobs beat`."""

import logging
import os
import sys
from typing import Any

from celery import Celery
from celery.signals import after_task_publish, beat_init, setup_logging, task_postrun, task_prerun
from django.conf import settings
from kombu.transport import TRANSPORT_ALIASES

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

TRANSPORT_ALIASES["filesystem"] = "jobs.brokers.file_queue:Transport"
TRANSPORT_ALIASES["redis"] = TRANSPORT_ALIASES["rediss"] = "jobs.brokers.redis_queue:Transport"

app = Celery("rapport")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
# By default, Celery closes the database connections before and after every task, and opening one costs as much as
# a dozen queries. Here, as in a web process, they are kept for CONN_MAX_AGE and checked before each task.
app.conf["CELERY_DB_REUSE_MAX"] = sys.maxsize


@task_prerun.connect
@task_postrun.connect
def keep_good_connections(**_: Any) -> None:
    from django.db import close_old_connections  # Django is not set up yet when this module is imported.

    close_old_connections()


@setup_logging.connect
def log_as_the_settings_say(loglevel: int, **_: Any) -> None:
    """Keep the logging of the settings, because Celery would format some lines in its own way."""
    logging.getLogger().setLevel(loglevel)


@beat_init.connect
def show_that_the_schedule_lives(**_: Any) -> None:
    def touch(**_: Any) -> None:
        (settings.VAR_DIR / "beat").touch()

    after_task_publish.connect(touch, weak=False)

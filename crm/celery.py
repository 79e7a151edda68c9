"""The Celery application: `celery -A crm worker`, `celery -A crm beat`."""

import os
import sys
from typing import Any

from celery import Celery
from celery.signals import task_postrun, task_prerun
from kombu.transport import TRANSPORT_ALIASES

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")

TRANSPORT_ALIASES["filesystem"] = "crm.file_queue:Transport"
TRANSPORT_ALIASES["redis"] = TRANSPORT_ALIASES["rediss"] = "crm.redis_queue:Transport"

app = Celery("rapport")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
# Celery would close the database's connections before and after every task, and a new one costs as much as a dozen
# queries. As in a web process, they are kept for CONN_MAX_AGE, and looked at before each task in case they broke.
app.conf["CELERY_DB_REUSE_MAX"] = sys.maxsize


@task_prerun.connect
@task_postrun.connect
def keep_good_connections(**_: Any) -> None:
    from django.db import close_old_connections  # Django is not set up yet when this module is imported

    close_old_connections()

"""Run `celery` with a kind of work that only tests have. A job's first attempt stops after its first step."""

import os
import time
from contextlib import ExitStack
from typing import Any

import django
from celery.__main__ import main

STANDSTILL = 600  # seconds; the test kills the process long before


def count_slowly(job: Any) -> bool:
    from tests.support.rehearsals import count_one

    done = count_one(job)
    if job.attempts == 1 and job.done == 1:
        time.sleep(STANDSTILL)
    return done


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from jobs import kinds
    from tests.support.rehearsals import rehearsal_model

    with ExitStack() as stack:
        model = stack.enter_context(rehearsal_model())
        kinds.register(model, title="Rehearsals", singular="Rehearsal", run=count_slowly)
        main()

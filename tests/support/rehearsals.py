"""Define a kind of work that only tests have: it counts to a number, one step at a time."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.apps import apps
from django.db import connection

from jobs import kinds
from jobs.work import Job, WorkQuerySet, constraints_of_work, index_by_urgency


@contextmanager
def rehearsal_model() -> Iterator[type[Job]]:
    """Define the model. Other tests must not see it, as their databases have no such table."""

    class Rehearsal(Job):
        objects = WorkQuerySet.as_manager()

        class Meta:
            app_label = "jobs"
            indexes = (index_by_urgency("rehearsal_by_urgency"),)
            constraints = constraints_of_work("rehearsal", Job.STATES)

        def __str__(self) -> str:
            return f"Rehearsal {self.pk}"

    try:
        yield Rehearsal
    finally:
        del apps.all_models["jobs"]["rehearsal"]
        apps.clear_cache()


@contextmanager
def rehearsals(run: Callable[[Any], bool]) -> Iterator[type[Job]]:
    """Register the kind and create its table. Call it outside transactions, in which SQLite creates no tables."""
    with rehearsal_model() as model:
        with connection.schema_editor() as editor:
            editor.create_model(model)
        kinds.register(model, title="Rehearsals", singular="Rehearsal", run=run)
        try:
            yield model
        finally:
            kinds.unregister(model)
            with connection.schema_editor() as editor:
                editor.delete_model(model)


def count_one(job: Any) -> bool:
    """Do one step, and return whether it was the last."""
    job.advance(1)
    return bool(job.done >= job.total)

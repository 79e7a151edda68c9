"""What speaks of a row and would outlive it is forgotten in the transaction that deletes the row."""

from __future__ import annotations

from typing import Any

from django.db import connection, models, transaction
from django.db.models.signals import post_delete

from crm.models import Customer, IdempotentRequest, WebhookEndpoint, WebhookMessage
from crm.signals import deletion_locked

# How long others may keep SQLite's log in use. What is left then goes with the next deletion, or within the hour.
LOG_BUSY_MS = 500


def connect() -> None:
    deletion_locked.connect(forget, dispatch_uid="crm.privacy.forgetting.forget")
    post_delete.connect(forget_webhook, sender=WebhookEndpoint, dispatch_uid="crm.privacy.forgetting.forget_webhook")


def forget(sender: type[models.Model], pks: list[int], **_: Any) -> None:
    """Forget kept answers of the API about these rows, and messages about these customers, delivered or not."""
    uuids = list(sender._base_manager.filter(pk__in=pks).values_list("uuid", flat=True))
    IdempotentRequest.objects.forget_answers_about(uuids)
    if sender is Customer:
        WebhookMessage.objects.about(uuids).forget()
    transaction.on_commit(empty_write_ahead_log, robust=True)


def forget_webhook(instance: WebhookEndpoint, **_: Any) -> None:
    IdempotentRequest.objects.forget_answers_about([instance.uuid])


def empty_write_ahead_log() -> None:
    """Write SQLite's log, which keeps what rows said before, to the database and cut it; not amid a transaction."""
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        return
    with connection.cursor() as cursor:
        waited = cursor.execute("PRAGMA busy_timeout").fetchone()[0]
        cursor.execute(f"PRAGMA busy_timeout = {LOG_BUSY_MS}")
        try:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {waited}")

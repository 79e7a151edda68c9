"""Forget kept answers when a row that they describe is deleted."""

from typing import Any

from django.db.models import Model

from crm.api.models import IdempotentRequest
from crm.signals import deletion_locked


def connect() -> None:
    deletion_locked.connect(forget_answers, dispatch_uid="crm.api.forget_answers")


def forget_answers(sender: type[Model], pks: list[int], **_: Any) -> None:
    """Forget the answers that describe these rows, in the transaction that deletes the rows."""
    uuids = sender._base_manager.filter(pk__in=pks).values_list("uuid", flat=True)
    IdempotentRequest.objects.forget_answers_about(uuids)

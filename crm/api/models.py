from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone

from crm.accounts.models import User
from crm.privacy.deletion import models_with_locked_deletion

KEPT = timedelta(hours=24)
# How long a request may take. After that, a request that was killed blocks its key no longer.
LEASE = timedelta(minutes=1)
SWEEP_BATCH = 500
FORGOTTEN = 404  # status code of an answer whose subject was deleted
NAMESPACE = uuid.UUID("5d1f2c8e-0b8e-4d0f-9d7e-3f5a1c7b6e42")  # random; for the IDs of rows that requests make


class KeyReused(ValueError):
    """The key stands for another request."""


class InProgress(RuntimeError):
    """The same request is being answered at this moment."""


class IdempotentRequestQuerySet(models.QuerySet["IdempotentRequest"]):
    def claim(self, user: User, asked_by: str, key: str, fingerprint: str) -> IdempotentRequest:
        """Return the request of this key: either it has its answer, or the caller alone must answer it now.

        Raises KeyReused, InProgress.
        """
        now = timezone.now()
        client = {"user": user, "asked_by": asked_by, "key": hashlib.sha256(key.encode()).hexdigest()}
        first = {"fingerprint": fingerprint, "lease_expires_at": now + LEASE}
        request, new = self.get_or_create(**client, defaults=first)
        if request.created_at < now - KEPT:  # rare, because the sweep deletes them
            self.filter(pk=request.pk).delete()
            request, new = self.get_or_create(**client, defaults=first)
        if request.fingerprint != fingerprint:
            raise KeyReused
        if new or request.is_answered or self._take_over(request, now):
            return request
        now_answered = self.filter(pk=request.pk).exclude(status_code=None).first()
        if now_answered:  # while the take-over waited for the other request
            return now_answered
        raise InProgress

    def _take_over(self, request: IdempotentRequest, now: datetime) -> bool:
        """Give an abandoned request to one of the callers that ask for it; return whether it is this one."""
        if request.lease_expires_at > now:
            return False
        abandoned = self.filter(pk=request.pk, status_code=None, lease_expires_at=request.lease_expires_at)
        request.lease_expires_at = now + LEASE
        request.taken_over = bool(abandoned.update(lease_expires_at=request.lease_expires_at))
        return request.taken_over

    def forget_answers_about(self, uuids: Iterable[uuid.UUID]) -> None:
        """Keep only that there was a request: sent again, it does no work and gets no answer."""
        about = AnswerSubject.objects.filter(uuid__in=list(uuids)).values("request")
        self.filter(pk__in=about).update(status_code=FORGOTTEN, headers={}, body="")

    def forget_old(self) -> None:
        """Delete requests that were kept long enough, a batch at a time."""
        while old := list(self.filter(created_at__lt=timezone.now() - KEPT).values_list("pk", flat=True)[:SWEEP_BATCH]):
            self.filter(pk__in=old).delete()


class IdempotentRequest(models.Model):
    """A request with an Idempotency-Key, and its answer once there is one."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    # The prefix of the API key; empty for a session. Two systems of one member of staff may choose the same key.
    asked_by = models.CharField(max_length=150, blank=True)
    key = models.CharField(max_length=64, help_text="SHA-256 of what the client chose, which may name somebody.")
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of method, path and body.")
    created_at = models.DateTimeField(auto_now_add=True)
    lease_expires_at = models.DateTimeField(help_text="Until then whoever began it is taken to be at it.")
    status_code = models.PositiveSmallIntegerField(null=True, help_text="Of the answer; empty before there is one.")
    headers = models.JSONField(default=dict)
    body = models.TextField(blank=True)
    taken_over = False  # whether an earlier attempt began, and may have left writes behind

    objects = IdempotentRequestQuerySet.as_manager()

    class Meta:
        indexes = (models.Index(fields=["created_at"]),)
        constraints = (
            models.UniqueConstraint(fields=["user", "asked_by", "key"], name="idempotency_key_once_per_client"),
        )

    def __str__(self) -> str:
        return f"Request of {self.created_at:%Y-%m-%d %H:%M:%S}"

    @property
    def is_answered(self) -> bool:
        return self.status_code is not None

    @property
    def is_forgotten(self) -> bool:
        """Return whether what the answer describes was deleted."""
        return self.status_code == FORGOTTEN and not self.body

    def is_visible_to(self, user: User) -> bool:
        """Return whether this member of staff may still see every row that the answer describes."""
        return all(self._rows_are_visible_to(user, model._default_manager) for model in models_with_locked_deletion())

    def derived_uuid(self, name: str) -> uuid.UUID:
        """Return the same UUID at each attempt of this request, so that it makes a row once without a transaction."""
        return uuid.uuid5(NAMESPACE, f"{self.pk} {self.created_at.isoformat()} {self.key} {name}")

    def lock(self) -> None:
        """Keep others from taking the request over until the transaction ends. Raises InProgress if one has already."""
        if not self._while_held().select_for_update().exists():
            raise InProgress

    @transaction.atomic(savepoint=False)
    def store(
        self, status_code: int, headers: Mapping[str, str], body: str, subjects: Iterable[uuid.UUID] = ()
    ) -> None:
        """Save the answer and which rows it describes, unless somebody else took the request over."""
        if self._while_held().update(status_code=status_code, headers=dict(headers), body=body):
            AnswerSubject.objects.bulk_create(AnswerSubject(request=self, uuid=each) for each in set(subjects))

    def abandon(self, *, left_nothing: bool) -> None:
        """Free the key for any request, because this one was refused and did nothing.

        Unless `left_nothing`, an earlier attempt may have left writes, which only this row leads to. Then it stays.
        """
        if self.taken_over and not left_nothing:
            self.release()
        else:
            self._while_held().delete()

    def release(self) -> None:
        """Let the same request be tried again at once."""
        self._while_held().update(lease_expires_at=timezone.now())

    def _rows_are_visible_to(self, user: User, rows: Any) -> bool:
        described = rows.filter(uuid__in=self.subjects.values("uuid"))
        return not described.exclude(pk__in=rows.visible_to(user).values("pk")).exists()

    def _while_held(self) -> models.QuerySet[IdempotentRequest]:
        return IdempotentRequest.objects.filter(pk=self.pk, status_code=None, lease_expires_at=self.lease_expires_at)


class AnswerSubject(models.Model):
    """A row, by its public ID, that a kept answer describes: when the row is deleted, the answer is forgotten."""

    request = models.ForeignKey(IdempotentRequest, models.CASCADE, related_name="subjects")
    uuid = models.UUIDField(db_index=True)

    def __str__(self) -> str:
        return str(self.uuid)

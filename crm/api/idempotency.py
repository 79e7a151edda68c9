"""Do the work of a POST with an Idempotency-Key once, and give the first answer when it is sent again.

The header is that of draft-ietf-httpapi-idempotency-key-header; a key without its quotes is taken too.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, ClassVar, cast
from uuid import UUID, uuid4

from django.db import transaction
from rest_framework import status
from rest_framework.exceptions import APIException, NotFound
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from crm.accounts.models import User
from crm.api.models import IdempotentRequest, InProgress, KeyReused
from crm.api.problems import Conflict, Unavailable
from crm.api.request_identity import fingerprint
from crm.api_keys.models import ApiKey

if TYPE_CHECKING:
    from rest_framework.views import APIView as Base
else:
    Base = object

REPLAYED = {"Idempotent-Replay": "true"}

Handler = Callable[..., Response]


class IdempotencyInProgress(Conflict):
    default_code = "idempotency_in_progress"
    default_detail = "A request with this Idempotency-Key is being answered. Send it again in a second."
    wait = 1  # seconds, which the answer's Retry-After says


class IdempotencyKeyReused(APIException):
    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    default_code = "idempotency_key_reused"
    default_detail = "This Idempotency-Key stands for another request. Use a new key for each request."


class IdempotentPosts(Base):
    """Before a view of Django REST framework: `answer_once` answers a POST that has an Idempotency-Key."""

    # Whether a POST's writes and its kept answer can be one transaction. False where a service insists on a transaction
    # of its own, or where the view waits. Then a killed process may leave writes without an answer, and the handler
    # must find them when it is tried again, by `derived_uuid`.
    post_is_atomic: ClassVar[bool] = True
    claimed: IdempotentRequest | None = None

    def answer_once(self, key: str, handler: Handler, *args: Any, **kwargs: Any) -> Response:
        """Return the first answer to this key if there is one; otherwise call the handler and keep its answer."""
        self.claimed = claimed = _claim(self.request, key)
        if claimed.is_answered:
            return self._replay(claimed)
        try:
            with transaction.atomic() if self.post_is_atomic else nullcontext():
                if self.post_is_atomic:
                    claimed.lock()
                response = handler(self.request, *args, **kwargs)
                if response.status_code < 400:
                    self._keep(claimed, response)
                    return response
        except InProgress:
            raise IdempotencyInProgress from None
        except Exception as error:
            response = self.handle_exception(error)
            if self._may_have_written(error, response):
                claimed.release()
                return response
        claimed.abandon(left_nothing=self.post_is_atomic)
        return response

    def derived_uuid(self, name: str) -> UUID:
        """Return the public ID for a row that the request makes: the same one when the request is sent again."""
        return self.claimed.derived_uuid(name) if self.claimed else uuid4()

    def subjects_of(self, data: Any) -> set[UUID]:
        """Return the public IDs of the rows that an answer describes; it is forgotten when one of them is deleted."""
        return public_ids(data)

    def hold(self, data: Any) -> None:
        """Keep what an answer describes from being deleted until the transaction ends.

        Views need it that write and keep their answer in separate transactions. Raises NotFound if the row is gone.
        """

    def for_replay(self, data: Any) -> Any:
        """Return the part of the first answer that a repeated request gets."""
        return data

    def _may_have_written(self, error: Exception, response: Response) -> bool:
        """Return whether the error may have left writes behind.

        A transaction is undone, and a refusal comes before any write.
        """
        refused = response.status_code < 500 or isinstance(error, Unavailable)
        return not (self.post_is_atomic or refused)

    def _keep(self, claimed: IdempotentRequest, response: Response) -> None:
        body = "" if response.data is None else JSONRenderer().render(response.data).decode()
        with transaction.atomic(savepoint=False):
            self.hold(response.data)
            claimed.store(response.status_code, dict(response.items()), body, self.subjects_of(response.data))

    def _replay(self, answered: IdempotentRequest) -> Response:
        """Raise NotFound if what the answer describes was deleted, or can no longer be seen by this member of staff."""
        if answered.is_forgotten or not answered.is_visible_to(cast(User, self.request.user)):
            raise NotFound
        data = self.for_replay(json.loads(answered.body)) if answered.body else None
        return Response(data, status=answered.status_code, headers=answered.headers | REPLAYED)


def public_ids(data: Any) -> set[UUID]:
    """Return all public IDs in an answer: those of its rows, and of what the rows belong to."""
    rows = data.get("results", [data]) if isinstance(data, Mapping) else []
    return {found for row in rows if isinstance(row, Mapping) for value in row.values() if (found := _uuid(value))}


def _claim(request: Request, key: str) -> IdempotentRequest:
    asked_by = request.auth.prefix if isinstance(request.auth, ApiKey) else ""
    try:
        return IdempotentRequest.objects.claim(cast(User, request.user), asked_by, key, fingerprint(request))
    except InProgress:
        raise IdempotencyInProgress from None
    except KeyReused:
        raise IdempotencyKeyReused from None


def _uuid(value: Any) -> UUID | None:
    try:
        return UUID(str(value))
    except ValueError:
        return None

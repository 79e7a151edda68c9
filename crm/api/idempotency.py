"""Idempotency-Key: a POST that is sent again does its work once, and gets the first answer.

The header is that of draft-ietf-httpapi-idempotency-key-header; a key without its quotes is taken too.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import QueryDict
from rest_framework import status
from rest_framework.exceptions import APIException, NotFound, ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from crm.api.models import InProgress, KeyReused
from crm.api.problems import Conflict, Unavailable
from crm.models import ApiKey, IdempotentRequest, User

if TYPE_CHECKING:
    from crm.api.views import ApiMixin

HEADER = "Idempotency-Key"
REPLAYED = {"Idempotent-Replay": "true"}
KEY = re.compile(r'"(?P<quoted>(?:[ !#-\[\]-~]|\\["\\])+)"|(?P<bare>[!#-~](?:[ -~]*[!-~])?)')
MAX_LENGTH = 255
PASSING_PARAMETERS = ("wait",)  # say how long to wait for the answer, not what is asked

Handler = Callable[..., Response]


class IdempotencyInProgress(Conflict):
    default_code = "idempotency_in_progress"
    default_detail = "A request with this Idempotency-Key is being answered. Send it again in a second."
    wait = 1  # seconds, which the answer's Retry-After says


class IdempotencyKeyReused(APIException):
    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    default_code = "idempotency_key_reused"
    default_detail = "This Idempotency-Key stands for another request. Use a new key for each request."


def idempotency_key(request: Request) -> str | None:
    """What the header says; None without one. Raises ValidationError."""
    given = request.headers.get(HEADER)
    if given is None:
        return None
    match = KEY.fullmatch(given.strip(" \t"))
    key = match and (match["bare"] or re.sub(r"\\(.)", r"\1", match["quoted"]))
    if not key or len(key) > MAX_LENGTH:
        message = f"Give 1 to {MAX_LENGTH} printable ASCII characters, such as a UUID."
        raise ValidationError({HEADER: [message]}, "idempotency_key_invalid")
    return key


def fingerprint(request: Request) -> str:
    """SHA-256 of method, address and what the body says, however it is written: boundaries differ between retries."""
    data = dict(request.data.lists()) if isinstance(request.data, QueryDict) else request.data
    query = {name: values for name, values in request.query_params.lists() if name not in PASSING_PARAMETERS}
    said = [request.method, request.path, query, data]
    return hashlib.sha256(json.dumps(said, sort_keys=True, default=_file_said).encode()).hexdigest()


def _file_said(file: UploadedFile[Any]) -> list[str]:
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    file.seek(0)
    return ["sha256", digest.hexdigest()]


def once(view: ApiMixin, key: str, handler: Handler) -> Handler:
    """The handler, so that it gives the first answer to this key if there is one, and else keeps its own.

    Its writes and the answer are one transaction, unless the view has transactions of its own that none may surround
    (`post_is_atomic = False`): then a killed process may leave writes without an answer, and the handler must find
    them when it is tried again, by `derived_uuid`.
    """

    def answer(request: Request, *args: Any, **kwargs: Any) -> Response:
        view.claimed = claimed = _claim(request, key)
        if claimed.is_answered:
            return _replay(view, claimed)
        try:
            with transaction.atomic() if view.post_is_atomic else nullcontext():
                if view.post_is_atomic:
                    claimed.lock()
                response = handler(request, *args, **kwargs)
                if response.status_code < 400:
                    _keep(view, claimed, response)
                    return response
        except InProgress:
            raise IdempotencyInProgress from None
        except Exception as error:
            response = view.handle_exception(error)
            if _may_have_written(view, error, response):
                claimed.release()
                return response
        claimed.abandon(left_nothing=view.post_is_atomic)
        return response

    return answer


def _claim(request: Request, key: str) -> IdempotentRequest:
    asked_by = request.auth.prefix if isinstance(request.auth, ApiKey) else ""
    try:
        return IdempotentRequest.objects.claim(cast(User, request.user), asked_by, key, fingerprint(request))
    except InProgress:
        raise IdempotencyInProgress from None
    except KeyReused:
        raise IdempotencyKeyReused from None


def _may_have_written(view: ApiMixin, error: Exception, response: Response) -> bool:
    """Whether nobody knows what an error left behind: a transaction is undone, and a refusal comes before any write."""
    refused = response.status_code < 500 or isinstance(error, Unavailable)
    return not (view.post_is_atomic or refused)


def _keep(view: ApiMixin, claimed: IdempotentRequest, response: Response) -> None:
    body = "" if response.data is None else JSONRenderer().render(response.data).decode()
    with transaction.atomic(savepoint=False):
        view.hold(response.data)
        claimed.store(response.status_code, dict(response.items()), body, view.subjects_of(response.data))


def _replay(view: ApiMixin, answered: IdempotentRequest) -> Response:
    """Raises NotFound when what it speaks of was deleted since, or is out of the key's reach by now."""
    if answered.is_forgotten or not answered.is_visible_to(view.user):
        raise NotFound
    data = view.replayed(json.loads(answered.body)) if answered.body else None
    return Response(data, status=answered.status_code, headers=answered.headers | REPLAYED)


def public_ids(data: Any) -> set[UUID]:
    """All that an answer names: its own, and those to which it belongs."""
    rows = data.get("results", [data]) if isinstance(data, Mapping) else []
    return {found for row in rows if isinstance(row, Mapping) for value in row.values() if (found := _uuid(value))}


def _uuid(value: Any) -> UUID | None:
    try:
        return UUID(str(value))
    except ValueError:
        return None

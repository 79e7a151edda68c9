"""Handle ETag, If-Match and If-None-Match on single resources (RFC 9110, sections 8.8.3 and 13)."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.shortcuts import get_object_or_404
from django.utils.http import parse_etags
from rest_framework.renderers import BrowsableAPIRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from crm.api.problems import PreconditionFailed

if TYPE_CHECKING:
    from rest_framework.viewsets import ModelViewSet

    Base = ModelViewSet[Any]
else:
    Base = object

ANY = ["*"]


def etag_of(representation: Any) -> str:
    """Return a strong ETag of the whole representation, the same whichever fields a client asks for."""
    return f'"{hashlib.sha256(JSONRenderer().render(representation)).hexdigest()[:32]}"'


def check_preconditions(request: Request, etag: str | None) -> None:
    """Raise PreconditionFailed unless the request's conditions hold for this ETag, or for None where there is no row.

    Call it before a write, with the row locked. A malformed If-Match, which names no ETag, matches nothing.
    """
    wanted, unwanted = request.headers.get("If-Match"), request.headers.get("If-None-Match")
    if wanted is not None and not (etag and (_is_any(wanted) or etag in parse_etags(wanted))):
        raise PreconditionFailed
    if unwanted is not None and etag and _names(unwanted, etag):
        raise PreconditionFailed("There is one already." if _is_any(unwanted) else None)


def has_preconditions(request: Request) -> bool:
    return "If-Match" in request.headers or "If-None-Match" in request.headers


def only_creates(request: Request) -> bool:
    return _is_any(request.headers.get("If-None-Match", ""))


def _is_any(header: str) -> bool:
    return parse_etags(header) == ANY


def _names(header: str, etag: str) -> bool:
    return _is_any(header) or etag in [each.removeprefix("W/") for each in parse_etags(header)]


class EtagMixin(Base):
    """Stand before a generic view, and send an ETag with each single row."""

    def whole(self, instance: Any) -> Any:
        """Return the representation with every field."""
        context = {**self.get_serializer_context(), "whole": True}
        return self.get_serializer_class()(instance, context=context).data

    def answer_read(self, request: Request, instance: Any) -> Response:
        """Answer with the fields that the request asks for, or with 304 if the client has the row already."""
        if isinstance(request.accepted_renderer, BrowsableAPIRenderer):  # the page shows more than the row
            return Response(self.get_serializer(instance).data)
        whole = self.whole(instance)
        etag = etag_of(whole)
        headers = {"ETag": etag}
        if _names(request.headers.get("If-None-Match", ""), etag):
            return Response(status=304, headers=headers)
        data = self.get_serializer(instance).data if "fields" in request.query_params else whole
        return Response(data, headers=headers)

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.answer_read(request, self.get_object())


class EtagDestroyMixin(EtagMixin):
    """The same, and a deletion locks the row and obeys If-Match and If-None-Match."""

    def get_object(self) -> Any:
        if self.request.method not in ("PUT", "PATCH", "DELETE"):
            return super().get_object()
        rows = self.get_queryset().select_for_update(of=("self",))
        name = self.lookup_url_kwarg or self.lookup_field
        instance = get_object_or_404(rows, **{self.lookup_field: self.kwargs[name]})
        self.check_object_permissions(self.request, instance)
        if has_preconditions(self.request):
            check_preconditions(self.request, etag_of(self.whole(instance)))
        return instance

    @transaction.atomic
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().destroy(request, *args, **kwargs)


class EtagWritesMixin(EtagDestroyMixin):
    """The same, and every other write does so too."""

    @transaction.atomic
    def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        response: Response = super().update(request, *args, **kwargs)
        response["ETag"] = etag_of(response.data)
        return response

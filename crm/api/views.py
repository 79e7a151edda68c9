"""Provide the base of every view of the API."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from typing import Any, ClassVar, cast

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.exceptions import ParseError, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from crm.accounts.models import User
from crm.api.idempotency import IdempotentPosts
from crm.api.problems import MEDIA_TYPE, ProblemRenderer, RequestTooLarge
from crm.api.request_identity import idempotency_key
from crm.api.throttling import spend_request
from crm.api_keys.models import Scope
from crm.limits.allowances import Allowance

MAX_BODY_BYTES = settings.DATA_UPLOAD_MAX_MEMORY_SIZE


class ApiMixin(IdempotentPosts):
    """Add scopes, limits, strict query parameters and problems to a view of Django REST framework."""

    # The address of a single resource has its public ID.
    lookup_field = "uuid"
    lookup_url_kwarg: str | None = "id"
    lookup_value_converter = "uuid"

    read_scope: ClassVar[Scope]
    write_scope: ClassVar[Scope]
    max_body_bytes: ClassVar[int] = MAX_BODY_BYTES
    query_parameters: ClassVar[Sequence[str]] = ()  # besides those of filters and pages
    allowance: Allowance | None = None

    @property
    def user(self) -> User:
        """The member of staff who is logged in, or for whom the API key acts."""
        return cast(User, self.request.user)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if int(request.META.get("CONTENT_LENGTH") or 0) > self.max_body_bytes:
            raise RequestTooLarge(f"Send at most {self.max_body_bytes // 1024} KB in one request.")
        _check_encoding(request)
        if hasattr(self, (request.method or "").lower()):  # otherwise the answer is 405
            self._check_parameters(request)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer as Django REST framework does, but a POST with an Idempotency-Key only once."""
        self.args, self.kwargs = args, kwargs
        self.request = self.initialize_request(request, *args, **kwargs)
        self.headers = self.default_response_headers
        try:
            self.initial(self.request, *args, **kwargs)
            response = self._answer(*args, **kwargs)
        except Exception as error:
            response = self.handle_exception(error)
        self.response = self.finalize_response(self.request, response, *args, **kwargs)
        return self.response

    def _answer(self, *args: Any, **kwargs: Any) -> Response:
        method = (self.request.method or "").lower()
        handler = getattr(self, method, None) if method in self.http_method_names else None
        if handler is None:
            return self.http_method_not_allowed(self.request, *args, **kwargs)
        if method == "post" and (key := idempotency_key(self.request)):
            return self.answer_once(key, handler, *args, **kwargs)
        answer: Response = handler(self.request, *args, **kwargs)
        return answer

    def perform_authentication(self, request: Request) -> None:
        super().perform_authentication(request)
        if request.user.is_authenticated:
            self.allowance = spend_request(request)  # a request without the right scope counts too
            self.allowance.check()

    def _check_parameters(self, request: Request) -> None:
        allowed = self.allowed_parameters(request)
        if empty := [name for name, value in request.query_params.items() if not value]:
            raise ValidationError({name: ["Give a value, or leave the parameter out."] for name in empty}, "empty")
        if repeated := [name for name, values in request.query_params.lists() if len(values) > 1]:
            raise ValidationError({name: ["Give it once."] for name in repeated}, "repeated")
        if unknown := set(request.query_params) - allowed:
            hint = f"Known ones: {', '.join(sorted(allowed))}." if allowed else "There are none here."
            raise ValidationError({name: [f"Unknown query parameter. {hint}"] for name in sorted(unknown)}, "unknown")

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Filter and order lists only. A single row is looked up by its ID, which saves a quarter of the time."""
        if getattr(self, "detail", True):
            return queryset
        filtered: QuerySet[Any] = super().filter_queryset(queryset)  # type: ignore[misc]  # views of lists have it
        return filtered

    def allowed_parameters(self, request: Request) -> set[str]:
        """Return the names of the query parameters that this request may have."""
        allowed = set(self.query_parameters)
        if request.method not in ("GET", "HEAD"):
            return allowed
        if hasattr(self, "serializer_class"):
            allowed.add("fields")
        if getattr(self, "detail", True):
            return allowed
        if filters := getattr(self, "filterset_class", None):
            allowed |= set(filters.base_filters)
        allowed |= {"search"} if getattr(self, "search_fields", None) else set()
        return allowed | {"cursor", "page_size", "ordering"}

    def get_success_headers(self, data: Any) -> dict[str, str]:
        """Return the address of the row that was created."""
        return {"Location": self.request.build_absolute_uri(f"{self.request.path}/{data['id']}")}

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        finalized = super().finalize_response(request, response, *args, **kwargs)
        for name, value in self.allowance.headers().items() if self.allowance else ():
            finalized.headers[name] = value
        if finalized.status_code >= 400 and isinstance(finalized, Response):
            # An error is a problem and not a page, whatever the client accepts.
            finalized.accepted_renderer = ProblemRenderer()
            finalized.accepted_media_type = MEDIA_TYPE
        return finalized


def _check_encoding(request: Request) -> None:
    """Raise ParseError for an unknown encoding: Django would read such a body as UTF-8."""
    try:
        codecs.lookup((request.content_params or {}).get("charset", "utf-8"))
    except (LookupError, ValueError) as error:  # a NUL byte raises ValueError
        raise ParseError("The encoding that Content-Type names is unknown. Use UTF-8.", "encoding_unknown") from error

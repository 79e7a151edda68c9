"""Answer errors with problem details for HTTP APIs (RFC 9457)."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.http.response import HttpResponseBase
from drf_standardized_errors.formatter import ExceptionFormatter
from drf_standardized_errors.handler import ExceptionHandler
from drf_standardized_errors.types import Error, ErrorResponse
from rest_framework import status
from rest_framework.exceptions import APIException, NotFound, ParseError, ValidationError
from rest_framework.renderers import JSONRenderer

from crm.privacy.deletion import was_deleted_meanwhile
from jobs.outage import RETRY_AFTER, UNAVAILABLE

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
API_PATH = "/api/"
BAD_INPUT = "Correct the fields that `errors` lists and send the request again."
# Codes of well-formed input that does not fit what is stored: 422. Malformed input is 400 (RFC 9110, 15.5.21).
UNPROCESSABLE = {
    "address_refused",
    "does_not_exist",
    "future",
    "inactive",
    "incomplete",
    "mismatch",
    "period_refused",
    "photo_refused",
    "too_early",
    "unknown_zone",
}
NON_FIELD = ("non_field_errors", "")
# The code and the sentence, by status, of errors raised outside a view.
OUTSIDE_VIEWS = {
    400: ("malformed_request", "The request cannot be read."),
    403: ("permission_denied", "You may not do this."),
    404: ("not_found", "There is nothing at this address."),
    405: ("method_not_allowed", "This method is not allowed here."),
    413: ("request_too_large", "The request is too large."),
    414: ("address_too_long", "The address is too long."),
    500: ("error", "Something went wrong on our side. Try again later; tell the operator if it happens again."),
    503: ("unavailable", "This cannot be done at present. Try again later."),
}


class Conflict(APIException):
    """409: the request does not fit what there is now."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "conflict"
    default_detail = "The request conflicts with what is stored."


class PreconditionFailed(APIException):
    """412: somebody changed the row since the client read it."""

    status_code = status.HTTP_412_PRECONDITION_FAILED
    default_code = "precondition_failed"
    default_detail = "It has changed since you read it. Read it again and repeat the change."


class RequestTooLarge(APIException):
    """413: the body is larger than any valid one."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code, default_detail = OUTSIDE_VIEWS[413]


class Unavailable(APIException):
    """503: a service that the request needs cannot be reached at present."""

    wait = RETRY_AFTER  # seconds, which the answer's Retry-After says

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code, default_detail = OUTSIDE_VIEWS[503]


class DatabaseUnavailable(Unavailable):
    default_code = "database_unavailable"
    default_detail = "The database cannot be reached at present. Send the request again later."


class ProblemRenderer(JSONRenderer):
    media_type = MEDIA_TYPE
    charset = None


class ProblemFormatter(ExceptionFormatter):
    def format_error_response(self, error_response: ErrorResponse) -> dict[str, Any]:
        errors = error_response.errors
        if not isinstance(self.exc, ValidationError):
            detail = OUTSIDE_VIEWS[500][1] if self.exc.status_code == 500 else errors[0].detail
            return problem(self.exc.status_code, errors[0].code, detail)
        return problem(self.exc.status_code, "invalid", BAD_INPUT) | {"errors": field_errors(errors)}

    def run(self) -> Any:
        if isinstance(self.exc, ValidationError) and {each.code for each in self.get_errors()} <= UNPROCESSABLE:
            self.exc.status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
        return super().run()


class ProblemHandler(ExceptionHandler):
    def should_not_handle(self, exc: Exception) -> bool:
        return False  # a stack trace is never sent, not even with DEBUG

    def convert_known_exceptions(self, exc: Exception) -> Exception:
        if isinstance(exc, UnicodeEncodeError):  # a lone surrogate, which JSON can name and UTF-8 cannot
            return ValidationError("Text must be valid Unicode, without lone surrogates.", "invalid_text")
        if isinstance(exc, RecursionError):
            return ParseError("The JSON is nested too deeply.")
        if isinstance(exc, UNAVAILABLE):
            logger.error("The database cannot be reached: %s", exc)
            return DatabaseUnavailable()
        if isinstance(exc, UnreadablePostError):
            return ParseError("The request broke off. Send it again.", "body_incomplete")
        if isinstance(exc, RequestDataTooBig):
            return RequestTooLarge()
        if was_deleted_meanwhile(exc):
            return NotFound()
        if isinstance(exc, SuspiciousOperation):  # Django raises it for forms with too many fields or files
            return ParseError(OUTSIDE_VIEWS[400][1], OUTSIDE_VIEWS[400][0])
        return super().convert_known_exceptions(exc)


def field_errors(errors: Iterable[Error]) -> list[dict[str, str]]:
    """Return what is wrong with the input, field by field."""
    return [
        {
            "field": "" if each.attr in NON_FIELD else _in_utf8(each.attr or ""),
            "code": each.code,
            "detail": _in_utf8(each.detail),
        }
        for each in errors
    ]


def _in_utf8(text: str) -> str:
    """Escape lone surrogates, which an error may repeat from the request and which no answer can contain."""
    return text.encode("utf-8", "backslashreplace").decode()


def problem(status_code: int, code: str, detail: str) -> dict[str, Any]:
    return {
        "type": "about:blank",
        "title": HTTPStatus(status_code).phrase,
        "status": status_code,
        "code": code,
        "detail": detail,
    }


def problems_only(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Turn errors raised outside a view (404, 405, bad host) into problem details, below /api/.

    This middleware is the outermost, to see what every other middleware and the URL resolver answer, with DEBUG too.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if response.status_code < 400 or not request.path.startswith(API_PATH):
            return response
        if response.headers.get("Content-Type", "").startswith(MEDIA_TYPE):
            return response
        code, detail = OUTSIDE_VIEWS.get(response.status_code, ("error", "The request was refused."))
        if response.status_code >= 500:
            logger.error("%s %s was answered with %s", request.method, request.path, response.status_code)
        body = json.dumps(problem(response.status_code, code, detail))
        kept = {name: value for name, value in response.headers.items() if name in ("Allow", "Retry-After")}
        return HttpResponse(body, status=response.status_code, content_type=MEDIA_TYPE, headers=kept)

    return middleware

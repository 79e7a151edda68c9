"""Answer a page's request with 404 if a colleague has just deleted the row that it was about to change."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from crm.privacy.deletion import was_deleted_meanwhile
from crm.workspace.error_pages import not_found

logger = logging.getLogger(__name__)


class DeletedMeanwhile:
    """Turn errors about deleted rows into 404. This is middleware.

    A view that waited for the lock on a row may find that row gone, or a row that it refers to.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
        if not was_deleted_meanwhile(exception):
            return None
        logger.info("%s %s met a deletion: %s", request.method, request.path, exception)
        return not_found(request, exception)

"""Compress pages on their way to the browser."""

from django.http import HttpRequest, HttpResponseBase
from django.middleware.gzip import GZipMiddleware


class CompressPages(GZipMiddleware):
    """Compress HTML only.

    Compression makes an ETag weak, and If-Match needs the strong ones of the API. Photos are compressed already. Against
    BREACH, Django hides each page's length (its GZipMiddleware) and masks its CSRF token anew.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if not response.get("Content-Type", "").startswith("text/html"):
            return response
        return super().process_response(request, response)

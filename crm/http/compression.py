"""Compress pages on their way to the browser."""

from django.http import HttpRequest, HttpResponseBase
from django.middleware.gzip import GZipMiddleware


class CompressPages(GZipMiddleware):
    """Compress HTML only.

    Compression would make ETags weak, and the API's If-Match needs strong ones. Photos are compressed already.
    Django protects pages against BREACH: it adds random bytes to each page, and masks the CSRF token differently.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if not response.get("Content-Type", "").startswith("text/html"):
            return response
        return super().process_response(request, response)

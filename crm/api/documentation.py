"""Show the API's documentation as pages that load nothing from other hosts."""

from typing import Any

from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularRedocView, SpectacularSwaggerSplitView
from rest_framework.request import Request
from rest_framework.response import Response

# Narrower than the policy of the workspace: no script is evaluated. Both pages write inline styles.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
READ_ONLY = ["get", "head"]  # these views would answer OPTIONS with a whole page
SEARCH = "; worker-src blob:"  # Redoc searches in a worker that it makes itself


@extend_schema(exclude=True)
class SwaggerView(SpectacularSwaggerSplitView):
    http_method_names = READ_ONLY

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        response: Response = super().get(request, *args, **kwargs)  # type: ignore[no-untyped-call]
        response.headers["Content-Security-Policy"] = POLICY
        return response


@extend_schema(exclude=True)
class RedocView(SpectacularRedocView):
    http_method_names = READ_ONLY

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        response: Response = super().get(request, *args, **kwargs)  # type: ignore[no-untyped-call]
        response.headers["Content-Security-Policy"] = POLICY + SEARCH
        return response

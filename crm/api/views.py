"""What every view of the API shares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from crm.api.problems import MEDIA_TYPE, ProblemRenderer, RequestTooLarge
from crm.models import Scope, User

if TYPE_CHECKING:
    Base = APIView
else:
    Base = object

MAX_BODY_BYTES = 5 * 1024 * 1024  # a bulk request of 1,000 customers with long notes


class ApiMixin(Base):
    """Before a view of Django REST framework: scopes, limits, strict query parameters, problems."""

    read_scope: ClassVar[Scope]
    write_scope: ClassVar[Scope]
    max_body_bytes: ClassVar[int] = MAX_BODY_BYTES
    query_parameters: ClassVar[Sequence[str]] = ()  # beside those of filters and pages

    @property
    def user(self) -> User:
        """The member of staff who asks, or for whom the key acts."""
        return cast(User, self.request.user)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if int(request.META.get("CONTENT_LENGTH") or 0) > self.max_body_bytes:
            raise RequestTooLarge(f"Send at most {self.max_body_bytes // 1024} KB in one request.")
        self._refuse_unknown_parameters(request)

    def _refuse_unknown_parameters(self, request: Request) -> None:
        known = self.known_parameters(request)
        if unknown := set(request.query_params) - known:
            allowed = f"Known ones: {', '.join(sorted(known))}." if known else "There are none here."
            raise ValidationError(
                {name: [f"Unknown query parameter. {allowed}"] for name in sorted(unknown)}, "unknown"
            )

    def known_parameters(self, request: Request) -> set[str]:
        known = set(self.query_parameters)
        if request.method not in ("GET", "HEAD"):
            return known
        if hasattr(self, "serializer_class"):
            known.add("fields")
        if getattr(self, "detail", True):
            return known
        if filters := getattr(self, "filterset_class", None):
            known |= set(filters.base_filters)
        known |= {"search"} if getattr(self, "search_fields", None) else set()
        return known | {"cursor", "page_size", "ordering"}

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        finalized = super().finalize_response(request, response, *args, **kwargs)
        if finalized.status_code >= 400 and isinstance(finalized, Response):
            # Whatever the client accepts: an error is a problem, not a page.
            finalized.accepted_renderer = ProblemRenderer()
            finalized.accepted_media_type = MEDIA_TYPE
        return finalized

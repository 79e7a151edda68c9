"""Another system, which asks with an API key."""

from collections.abc import Iterable
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from crm.models import ApiKey, Scope, User
from tests.factories import UserFactory, uploaded_bytes

EVERY_SCOPE = tuple(Scope)
NEVER = "00000000-0000-4000-8000-000000000000"  # nothing's ID


class Api(APIClient):
    """Asks below /api/v1/ for a member of staff, whom it makes unless one is given."""

    def __init__(self, user: User | None = None, scopes: Iterable[Scope] = EVERY_SCOPE) -> None:
        self.user = user or UserFactory()
        _, key = ApiKey.objects.create_key(name="Test", user=self.user, scopes=list(scopes))
        super().__init__(raise_request_exception=False, headers={"Authorization": f"Bearer {key}"})

    def generic(self, method: str, path: str, *args: Any, **kwargs: Any) -> Any:  # type: ignore[override]
        return super().generic(method, path if path.startswith("http") else f"/api/v1/{path}", *args, **kwargs)


def photo(number: object = 0, name: str = "IMG_1.JPG", content: bytes | None = None) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, uploaded_bytes(number) if content is None else content, "image/jpeg")


def errors_of(answer: Any) -> dict[str, str]:
    """The codes of a problem's errors by field."""
    return {error["field"]: error["code"] for error in answer.json()["errors"]}


def ids_of(answer: Any) -> list[str]:
    """Of a list's rows."""
    assert answer.status_code == 200, answer.content
    return [row["id"] for row in answer.json()["results"]]

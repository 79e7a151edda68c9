"""Make photos to send in requests, and read answers."""

from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile

from tests.support.factories import uploaded_bytes

NEVER = "00000000-0000-4000-8000-000000000000"  # the ID of nothing


def photo(number: object = 0, name: str = "IMG_1.JPG", content: bytes | None = None) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, uploaded_bytes(number) if content is None else content, "image/jpeg")


def errors_of(answer: Any) -> dict[str, str]:
    """Return the codes of a problem's errors by field."""
    return {error["field"]: error["code"] for error in answer.json()["errors"]}


def ids_of(answer: Any) -> list[str]:
    """Return the IDs of a list's rows."""
    assert answer.status_code == 200, answer.content
    return [row["id"] for row in answer.json()["results"]]

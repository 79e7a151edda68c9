"""Read a request's Idempotency-Key, and tell whether two requests are the same."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

HEADER = "Idempotency-Key"
KEY = re.compile(r'"(?P<quoted>(?:[ !#-\[\]-~]|\\["\\])+)"|(?P<bare>[!#-~](?:[ -~]*[!-~])?)')
MAX_LENGTH = 255
IGNORED_PARAMETERS = ("wait",)  # how long to wait for the answer changes nothing of what is asked


def idempotency_key(request: Request) -> str | None:
    """Return the key in the header, with or without its quotes; None without a header. Raises ValidationError."""
    header = request.headers.get(HEADER)
    if header is None:
        return None
    match = KEY.fullmatch(header.strip(" \t"))
    key = match and (match["bare"] or re.sub(r"\\(.)", r"\1", match["quoted"]))
    if not key or len(key) > MAX_LENGTH:
        message = f"Give 1 to {MAX_LENGTH} printable ASCII characters, such as a UUID."
        raise ValidationError({HEADER: [message]}, "idempotency_key_invalid")
    return key


def fingerprint(request: Request) -> str:
    """Return the SHA-256 of the method, the address and the parsed body.

    The raw body would not do: the boundaries of a form differ between two attempts.
    """
    body = dict(request.data.lists()) if isinstance(request.data, QueryDict) else request.data
    query = {name: values for name, values in request.query_params.lists() if name not in IGNORED_PARAMETERS}
    parts = json.dumps([request.method, request.path, query, body], sort_keys=True, default=_describe_file)
    return hashlib.sha256(parts.encode()).hexdigest()


def _describe_file(file: UploadedFile[Any]) -> list[str]:
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    file.seek(0)
    return ["sha256", digest.hexdigest()]

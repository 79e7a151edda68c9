"""Make secrets and signatures as in Standard Webhooks, version 1 (https://www.standardwebhooks.com)."""

import base64
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime

from standardwebhooks import Webhook

SECRET_BYTES = 32  # The specification asks for 24 to 64 bytes.


def new_secret() -> str:
    return f"whsec_{base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()}"


def signed_headers(message_id: str, at: datetime, body: str, with_secrets: Iterable[str]) -> dict[str, str]:
    """Return the headers that prove who sent this body and when, with one signature for each secret."""
    at = at.astimezone(UTC)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(Webhook(secret).sign(message_id, at, body) for secret in with_secrets),
    }

"""Write the rows that the API's bench needs (a key, and customers with uploads), and delete them all at its end."""

import io
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from django.utils import timezone
from PIL import Image

from crm.consents.services import record_consent
from crm.models import ApiKey, Consent, Customer, Interaction, Scope, User, WebhookDelivery, WebhookEndpoint
from crm.webhooks.models.deliveries import WebhookMessage

CUSTOMERS = 100  # customers that photos are uploaded for
DELIVERIES = 20_000
PHOTO_BYTES = 200 * 1024
BOUNDARY = "a-boundary-of-the-bench"


@dataclass
class Written:
    """The rows that a run wrote. Their source distinguishes them from all others."""

    user: User
    source: str
    key: str
    chance: random.Random
    customers: list[Customer] = field(default_factory=list)
    interactions: list[Interaction] = field(default_factory=list)
    photo: bytes = b""
    photos: int = 0

    def customer(self) -> str:
        return str(self.chance.choice(self.customers).uuid)

    def interaction(self) -> str:
        return str(self.chance.choice(self.interactions).uuid)

    def form(self, **fields: str) -> tuple[bytes, str]:
        """Return a multipart body with a different photo each time, and its content type."""
        self.photos += 1
        parts = [
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in fields.items()
        ]
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="photos"; filename="photo.jpg"\r\n'
        before = ("".join(parts) + head + "Content-Type: image/jpeg\r\n\r\n").encode()
        photo = commented(self.photo, f"{self.source} {self.photos}".encode())
        return before + photo + f"\r\n--{BOUNDARY}--\r\n".encode(), f"multipart/form-data; boundary={BOUNDARY}"


def commented(jpeg: bytes, comment: bytes) -> bytes:
    """Return the same picture as another file, with a comment segment after the start of the image."""
    return jpeg[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + jpeg[2:]


def photo(least: int = PHOTO_BYTES) -> bytes:
    """Return a JPEG of 1024x768 pixels and at least this many bytes."""
    picture = Image.effect_noise((1024, 768), 40).convert("RGB")
    for quality in range(10, 96, 2):
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=quality)
        if buffer.tell() >= least:
            break
    return buffer.getvalue()


@contextmanager
def written_for(user: User, seed: int, deliveries: int = DELIVERIES) -> Iterator[Written]:
    """Write rows for a run as this member of staff, with an API key, and delete them at the end."""
    name = f"bench.api {timezone.now():%H%M%S%f}"
    key, secret = ApiKey.objects.create_key(name=name, user=user, scopes=Scope.values)
    written = Written(user, name.replace(" ", "-"), secret, random.Random(seed), photo=photo())  # noqa: S311
    endpoint = _deliveries(user, deliveries)
    try:
        _customers(written)
        yield written
    finally:
        endpoint.delete()  # first, because it would get a message about each deleted customer
        WebhookMessage.objects.filter(type="bench").delete()
        Customer.objects.filter(source=written.source).delete()
        key.delete()


def _customers(written: Written) -> None:
    now = timezone.now()
    for number in range(CUSTOMERS):
        customer = Customer.objects.create(
            name=f"Bench {number}", source=written.source, external_id=f"PHOTO-{number}", owner=written.user
        )
        record_consent(customer, granted=True, obtained_by=Consent.ObtainedBy.IN_PERSON, recorded_by=written.user)
        written.customers.append(customer)
        interaction = Interaction(customer=customer, staff=written.user, occurred_at=now - timedelta(hours=1))
        interaction.save()
        written.interactions.append(interaction)


def _deliveries(user: User, count: int) -> WebhookEndpoint:
    """Write a webhook with finished deliveries, of which one in fifty failed. Nothing is sent: no worker runs."""
    now = timezone.now()
    endpoint = WebhookEndpoint.objects.create(owner=user, url="https://example.com/", events=["snapshot.failed"])
    messages = WebhookMessage.objects.bulk_create(
        [WebhookMessage(type="bench", payload={}) for _ in range(count)], batch_size=2000
    )
    failed, delivered = WebhookDelivery.Status.FAILED, WebhookDelivery.Status.DELIVERED
    WebhookDelivery.objects.bulk_create(
        [
            WebhookDelivery(
                endpoint=endpoint,
                message=message,
                status=delivered if place % 50 else failed,
                created_at=now - timedelta(seconds=count - place),
                finished_at=now,
            )
            for place, message in enumerate(messages)
        ],
        batch_size=2000,
    )
    return endpoint

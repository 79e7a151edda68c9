"""Make the requests of the API's bench: several kinds, with different ids and filters each time.

Import this when Django is set up.
"""

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from django.db.models import Max, QuerySet

from bench.api_rows import Written
from crm.models import Consent, Customer, Interaction, User
from emotions.models import EmotionCorrection, EmotionRecord, Snapshot
from ml.labels import EMOTIONS

SAMPLE = 4000  # rows of each table to draw ids from
DAYS = 3 * 365  # length of the dataset
EVERYONE, UPLOADS = 0.05, 0.25  # shares of the rate of lists and single rows


@dataclass(frozen=True)
class Request:
    path: str
    method: str = "GET"
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def get(cls, path: str, **parameters: object) -> "Request":
        return cls(f"{path}?{urlencode(parameters)}" if parameters else path)

    @classmethod
    def json(cls, method: str, path: str, value: object) -> "Request":
        return cls(path, method, json.dumps(value).encode(), {"Content-Type": "application/json"})


@dataclass(frozen=True)
class Kind:
    """Requests of one kind. `make` draws the next one; costly kinds have a smaller share of the rate."""

    name: str
    make: Callable[[], Request]
    target_ms: float = 60
    share: float = 1  # share of the rate


class Rows:
    """Draw ids and values from rows that the member of staff may see."""

    def __init__(self, user: User, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311
        self.customers = self._sample(Customer.objects.visible_to(user), "uuid", "source", "external_id", "name", "pk")
        self.owners = sorted({user.username} | set(User.objects.values_list("username", flat=True)[:3]))
        self.uuids = {
            "interactions": self._sample(Interaction.objects.visible_to(user), "uuid"),
            "snapshots": self._sample(Snapshot.objects.visible_to(user), "uuid"),
            "records": self._sample(EmotionRecord.objects.visible_to(user), "uuid"),
            "corrections": self._sample(EmotionCorrection.objects.visible_to(user), "uuid"),
            "consents": self._sample(Consent.objects.visible_to(user), "uuid"),
        }
        self.newest = Snapshot.objects.aggregate(newest=Max("captured_at"))["newest"]

    def _sample(self, rows: QuerySet[Any], *fields: str) -> list[Any]:
        largest = rows.model._default_manager.aggregate(largest=Max("pk"))["largest"] or 0
        keys = self.chance.sample(range(1, largest + 1), min(SAMPLE, largest))
        return sorted(rows.filter(pk__in=keys).values_list(*fields))

    def customer(self) -> str:
        return str(self.chance.choice(self.customers)[0])

    def external(self) -> tuple[str, str]:
        named = [(source, external) for _, source, external, *_ in self.customers if external]
        return self.chance.choice(named)

    def one(self, resource: str) -> str:
        return f"{resource}/{self.chance.choice(self.uuids[resource])[0]}"

    def moment(self, days: int = DAYS) -> str:
        """Return a time within the last days of the dataset."""
        return str((self.newest - timedelta(days=self.chance.uniform(1, days))).isoformat())

    def period(self, name: str = "captured") -> dict[str, str]:
        """Return the filters for one week."""
        start = self.newest - timedelta(days=self.chance.uniform(7, DAYS))
        return {f"{name}_after": start.isoformat(), f"{name}_before": (start + timedelta(days=7)).isoformat()}

    def emotion(self) -> str:
        return str(self.chance.choice(EMOTIONS))


def lists(rows: Rows) -> list[Kind]:
    """Return the lists of every resource: plain, in each order, and with each filter."""

    def kind(resource: str, name: str, make: Callable[[], Mapping[str, object]]) -> Kind:
        return Kind(f"{resource}, {name}", lambda: Request.get(resource, **make()))

    def names() -> str:
        """Return the name of a customer, to be found among all customers."""
        return str(rows.chance.choice(rows.customers)[3])

    def external() -> dict[str, object]:
        source, external_id = rows.external()
        return {"source": source, "external_id": external_id}

    return [
        kind("customers", "newest first", dict),
        kind("customers", "by name", lambda: {"ordering": "name"}),
        kind("customers", "last changed first", lambda: {"ordering": "-updated_at"}),
        kind("customers", "changed since", lambda: {"updated_since": rows.moment(30), "ordering": "updated_at"}),
        kind("customers", "by creation", lambda: {"ordering": "created_at"}),
        kind("customers", "search for a name", lambda: {"search": names()}),
        kind("customers", "search for what is not there", lambda: {"search": uuid4().hex[:8]}),
        kind("customers", "of an external ID", external),
        kind("customers", "of an owner", lambda: {"owner": rows.chance.choice(rows.owners)}),
        kind("customers", "of a company", lambda: {"company": f"Company {rows.chance.randrange(5000):04}"}),
        kind(
            "customers",
            "of an email address",
            lambda: {"email": f"customer{rows.chance.randrange(100_000)}@example.com"},
        ),
        kind("interactions", "latest first", dict),
        kind("interactions", "of a customer", lambda: {"customer": rows.customer()}),
        kind("interactions", "of a week", lambda: rows.period("occurred")),
        kind("interactions", "by change", lambda: {"ordering": "updated_at"}),
        kind("interactions", "changed since", lambda: {"ordering": "updated_at", "updated_since": rows.moment(30)}),
        kind("interactions", "by creation", lambda: {"ordering": "created_at"}),
        kind("interactions", "of a kind", lambda: {"kind": rows.chance.choice(Interaction.Kind.values)}),
        kind("interactions", "search in the notes", lambda: {"search": rows.chance.choice(["delivery", "call back"])}),
        kind("interactions", "search for what is not there", lambda: {"search": uuid4().hex[:8]}),
        kind("consents", "newest first", dict),
        kind("consents", "of a customer", lambda: {"customer": rows.customer()}),
        kind("consents", "by time", lambda: {"ordering": "recorded_at"}),
        kind("snapshots", "newest first", dict),
        kind("snapshots", "of a status", lambda: {"status": rows.chance.choice(["analysed", "no_face", "failed"])}),
        kind("snapshots", "of a customer", lambda: {"customer": rows.customer()}),
        kind("snapshots", "of a week", rows.period),
        kind("snapshots", "finished since", lambda: {"finished_since": rows.moment(30), "ordering": "finished_at"}),
        kind("snapshots", "changed since", lambda: {"changed_since": rows.moment(30), "ordering": "changed_at"}),
        kind("snapshots", "of an emotion", lambda: {"emotion": rows.emotion()}),
        kind("records", "newest first", dict),
        kind("records", "of an emotion", lambda: {"emotion": rows.emotion()}),
        kind("records", "valence from 0.5", lambda: {"valence_min": 0.5, "valence_max": 1}),
        kind("records", "confidence to 0.45", lambda: {"confidence_max": 0.45}),
        kind("records", "of a customer", lambda: {"customer": rows.customer()}),
        kind("records", "of a week", rows.period),
        kind("records", "changed since", lambda: {"changed_since": rows.moment(30), "ordering": "changed_at"}),
        kind("records", "by capture", lambda: {"ordering": "-captured_at"}),
        kind("records", "uncertain", lambda: {"uncertain": "true"}),
        kind("records", "corrected", lambda: {"corrected": "true"}),
        kind("corrections", "newest first", dict),
        kind("corrections", "of an emotion", lambda: {"emotion": rows.emotion()}),
        kind("corrections", "of a customer", lambda: {"customer": rows.customer()}),
    ]


def webhooks() -> list[Kind]:
    return [
        Kind("webhooks", lambda: Request("webhooks")),
        Kind("webhook deliveries", lambda: Request("webhook-deliveries")),
        Kind("webhook deliveries, failed", lambda: Request.get("webhook-deliveries", status="failed")),
    ]


def singles(rows: Rows) -> list[Kind]:
    return [
        Kind("one customer", lambda: Request(f"customers/{rows.customer()}")),
        Kind("one customer, by external ID", lambda: Request("customers/by-external-id/" + "/".join(rows.external()))),
        *(Kind(f"one of {name}", lambda name=name: Request(rows.one(name))) for name in rows.uuids),  # type: ignore[misc]
    ]


def histories(rows: Rows, busiest: str) -> list[Kind]:
    def everyone(interval: str) -> Kind:
        def make() -> Request:
            end = rows.newest - timedelta(days=rows.chance.randrange(30))
            since = (end - timedelta(days=365)).isoformat()
            return Request.get("sentiment", interval=interval, to=end.isoformat(), **{"from": since})

        return Kind(f"sentiment of everyone, a year by {interval}", make, 500, EVERYONE)

    since = {"from": (rows.newest - timedelta(days=DAYS)).isoformat(), "interval": "week"}
    return [
        Kind("timeline", lambda: Request(f"customers/{rows.customer()}/timeline")),
        Kind("timeline of the busiest customer", lambda: Request(f"customers/{busiest}/timeline")),
        Kind(
            "sentiment of one customer, by week", lambda: Request.get(f"customers/{rows.customer()}/sentiment", **since)
        ),
        Kind("sentiment of the busiest customer", lambda: Request.get(f"customers/{busiest}/sentiment", **since)),
        *(everyone(interval) for interval in ("day", "week", "month")),
    ]


def writes(rows: Rows, written: Written) -> list[Kind]:
    def put() -> Request:
        number = rows.chance.randrange(2000)
        address = f"customers/by-external-id/{written.source}/PUT-{number}"
        return Request.json("PUT", address, {"name": f"Customer {rows.chance.random()}"})

    def upload() -> Request:
        body, content_type = written.form()
        return Request(f"interactions/{written.interaction()}/snapshots", "POST", body, {"Content-Type": content_type})

    def upload_with_interaction() -> Request:
        body, content_type = written.form(customer=written.customer(), kind="visit")
        return Request("snapshots", "POST", body, {"Content-Type": content_type, "Idempotency-Key": str(uuid4())})

    return [
        Kind("customer put by external ID", put),
        Kind("photo of 200 KB", upload, share=UPLOADS),
        Kind("photo of 200 KB with its interaction", upload_with_interaction, share=UPLOADS),
    ]


def bulk(written: Written, first: int, note: str) -> Request:
    """Return a request that sends 1,000 customers, from this number on."""
    rows: Sequence[dict[str, str]] = [
        {
            "source": written.source,
            "external_id": f"BULK-{number}",
            "name": f"Customer {number}",
            "email": f"bulk{number}@example.com",
            "notes": note,
        }
        for number in range(first, first + 1000)
    ]
    return Request.json("POST", "customers/bulk", {"customers": rows})

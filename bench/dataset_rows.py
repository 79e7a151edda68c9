"""Write the staff, customers and interactions of the benches' database. Import this when Django is set up."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from bench.copying import copy
from crm.models import Consent, Customer, Interaction, User

BATCH = 10_000  # rows written at once
YEARS = 3
OWNERS = 20
UNOWNED = 0.1  # share of the customers
SOURCES = ("shop", "helpdesk", "")  # customers without a source have no external id

Integers = NDArray[np.int64]


class Source:
    """Draw the values of all rows within the years, and show progress."""

    def __init__(self, seed: int, until: datetime, progress: "tqdm[Any]") -> None:
        self.chance = np.random.default_rng(seed)
        self.progress = progress
        self._start = np.datetime64((until - timedelta(days=365 * YEARS)).replace(tzinfo=None), "s")
        self.seconds = 365 * YEARS * 86_400

    def moments(self, count: int) -> Integers:
        """Draw times, as seconds since the start."""
        return self.chance.integers(0, self.seconds, count)

    def times(self, seconds: Integers) -> list[str]:
        return [f"{each}Z" for each in np.datetime_as_string(self._start + seconds).tolist()]

    def some(self, count: int, share: float) -> NDArray[np.bool_]:
        return self.chance.random(count) < share


def batches(count: int) -> Iterator[tuple[int, int]]:
    """Yield the first index and the number of rows of each batch."""
    return ((first, min(BATCH, count - first)) for first in range(0, count, BATCH))


def write_people() -> list[int]:
    """Write the members of staff, and return the primary keys of the owners.

    None of them can log in. "bench-all" sees every customer.
    """
    names = [f"bench{number:02}" for number in range(1, OWNERS + 1)]
    people = [User(username=name, password="!", is_staff=True) for name in names]  # noqa: S106
    people.append(User(username="bench-all", password="!", is_staff=True, is_superuser=True))  # noqa: S106
    return [each.pk for each in User.objects.bulk_create(people)][:OWNERS]


def write_customers(source: Source, total: int, owners: list[int]) -> None:
    """Write customers and their consents."""
    for first, count in batches(total):
        numbers = list(range(first + 1, first + count + 1))
        systems = [SOURCES[number % len(SOURCES)] for number in numbers]
        looked_after = source.chance.choice(owners, count).tolist()
        unowned = source.some(count, UNOWNED).tolist()
        copy(
            Customer,
            count,
            source.chance,
            id=numbers,
            name=[f"Customer {number:06}" for number in numbers],
            email=[f"customer{number}@example.com" for number in numbers],
            company=[f"Company {number % 5_000:04}" for number in numbers],
            owner_id=[None if free else owner for free, owner in zip(unowned, looked_after, strict=True)],
            source=systems,
            external_id=[f"C-{number}" if system else "" for number, system in zip(numbers, systems, strict=True)],
            created_at=source.times(np.zeros(count, np.int64)),
            updated_at=source.times(source.moments(count)),
        )
        _write_consents(source, numbers, owners[0])
        source.progress.update(count)


def _write_consents(source: Source, customers: list[int], by: int) -> None:
    copy(
        Consent,
        len(customers),
        source.chance,
        id=customers,
        customer_id=customers,
        granted=True,
        notice_version="2026-11",
        obtained_by=Consent.ObtainedBy.IN_PERSON.value,
        recorded_by_id=by,
        recorded_at=source.times(np.zeros(len(customers), np.int64)),
    )


def write_interactions(source: Source, total: int, customers: int, owners: list[int]) -> tuple[Integers, Integers]:
    """Write interactions, and return their times and customers, in the order of their primary keys.

    Times are seconds since the start; customers are primary keys. A few customers have many interactions: with 500,000
    interactions of 100,000 customers, the busiest customer has about 1,600 and the median customer three.
    """
    occurred = np.sort(source.moments(total))
    kinds, whom = [kind.value for kind in Interaction.Kind], []
    for first, count in batches(total):
        times = source.times(occurred[first : first + count])
        whom.append((source.chance.random(count) ** 2 * customers).astype(np.int64) + 1)
        copy(
            Interaction,
            count,
            source.chance,
            id=list(range(first + 1, first + count + 1)),
            customer_id=whom[-1],
            kind=source.chance.choice(kinds, count).tolist(),
            occurred_at=times,
            staff_id=source.chance.choice(owners, count),
            notes="Asked about delivery times, and for a call back next week.",
            created_at=times,
            updated_at=times,
        )
        source.progress.update(count)
    return occurred, np.concatenate(whom)

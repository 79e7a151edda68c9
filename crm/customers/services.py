"""Create or update customers by the IDs that other systems gave them."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from crm.accounts.models import User
from crm.batches import batch
from crm.customers.models import Customer

Values = Mapping[str, Any]  # a customer's fields by name, with source and external_id among them
Identity = tuple[str, str]  # source and external ID


class Outcome(StrEnum):
    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


class OutOfReach(LookupError):
    """The external ID belongs to a customer whom this member of staff may not see."""


class NameMissing(ValueError):
    """A new customer needs a name."""


def _identity(values: Values) -> Identity:
    return values["source"], values["external_id"]


def owned_by(user: User, values: Values) -> dict[str, Any]:
    """Return the values of a new customer, with this user as the owner unless the values have an owner, or None."""
    return {"owner": user, **values}


@transaction.atomic
def upsert_customer(user: User, values: Values) -> tuple[Customer, Outcome]:
    """Create the customer with this source and external ID, or update the given fields.

    When two callers do so at once, the second waits and then updates. Raises OutOfReach, NameMissing.
    """
    return _upsert(user, values, _locked([values]))


@transaction.atomic
def upsert_customers(user: User, rows: Sequence[Values]) -> list[tuple[Customer, Outcome] | OutOfReach | NameMissing]:
    """Create or update many customers; return one answer for each row, in the order of the rows."""
    existing = _locked(rows)
    answers: dict[int, tuple[Customer, Outcome] | OutOfReach | NameMissing] = {}
    # Everybody writes in the same order, so that no two callers wait for each other.
    with batch():
        for index in sorted(range(len(rows)), key=lambda each: _identity(rows[each])):
            try:
                answers[index] = _upsert(user, rows[index], existing)
            except (OutOfReach, NameMissing) as error:
                answers[index] = error
    return [answers[index] for index in range(len(rows))]


def _locked(rows: Sequence[Values]) -> dict[Identity, Customer]:
    """Return the customers that exist already, locked until the transaction ends."""
    by_source: dict[str, list[str]] = {}
    for values in rows:
        by_source.setdefault(values["source"], []).append(values["external_id"])
    found: dict[Identity, Customer] = {}
    for source in sorted(by_source):
        found |= {(each.source, each.external_id): each for each in _lock(source, by_source[source])}
    return found


def _lock(source: str, external_ids: Sequence[str]) -> QuerySet[Customer]:
    customers = Customer.objects.filter(source=source, external_id__in=external_ids)
    return customers.select_for_update(of=("self",)).select_related("owner").order_by("external_id")


def _upsert(user: User, values: Values, existing: dict[Identity, Customer]) -> tuple[Customer, Outcome]:
    customer = existing.get(_identity(values))
    if customer is None:
        if "name" not in values:
            raise NameMissing
        customer = Customer(**owned_by(user, values))
        try:
            with transaction.atomic():
                customer.save()
        except IntegrityError:  # somebody else was first
            customer = _lock(values["source"], [values["external_id"]]).get()
        else:
            existing[_identity(values)] = customer
            return customer, Outcome.CREATED
    existing[_identity(values)] = customer
    if not customer.is_visible_to(user):
        raise OutOfReach
    changed = [name for name, value in values.items() if getattr(customer, name) != value]
    for name in changed:
        setattr(customer, name, values[name])
    if changed:
        customer.save()
    return customer, Outcome.UPDATED if changed else Outcome.UNCHANGED

"""Read one customer's timeline, page by page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.core.paginator import Page, Paginator
from django.db.models import Prefetch, Q

from crm.models import Customer, Interaction
from emotions.model_versions.services import other_versions
from emotions.snapshots.models import Snapshot
from emotions.timeline.cards import Card, card, with_faces

INTERACTIONS_PER_PAGE = 20


@dataclass(frozen=True, slots=True)
class Entry:
    """One interaction with its photos."""

    interaction: Interaction
    cards: tuple[Card, ...]


def timeline_page(customer: Customer, number: str | int | None) -> tuple[Page[Interaction], list[Entry]]:
    """Return one page of the customer's interactions, newest first.

    A number that does not exist gives the nearest page.
    """
    interactions = (
        Interaction.objects.filter(customer=customer)
        .select_related("staff")
        .prefetch_related(Prefetch("snapshots", queryset=with_faces(Snapshot.objects.all())))
        .order_by("-occurred_at", "-pk")
    )
    page = Paginator(interactions, INTERACTIONS_PER_PAGE).get_page(number)
    return page, list(_entries(page))


def page_with(interaction: Interaction) -> int:
    """Return the number of the timeline's page on which the interaction is."""
    newer = Q(occurred_at__gt=interaction.occurred_at) | Q(occurred_at=interaction.occurred_at, pk__gt=interaction.pk)
    return Interaction.objects.filter(newer, customer=interaction.customer_id).count() // INTERACTIONS_PER_PAGE + 1


def _entries(interactions: Iterable[Interaction]) -> Iterable[Entry]:
    inactive_versions = other_versions()
    for interaction in interactions:
        yield Entry(interaction, tuple(card(snapshot, inactive_versions) for snapshot in interaction.snapshots.all()))

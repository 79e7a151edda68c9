"""Lock the interactions of customers who are about to be deleted."""

from typing import Any

from django.db.models import Model

from crm.customers.models import Customer
from crm.interactions.models import Interaction
from crm.signals import deletion_begins


def connect() -> None:
    deletion_begins.connect(lock_interactions, dispatch_uid="crm.interactions.lock_interactions")


def lock_interactions(sender: type[Model], pks: list[int], **_: Any) -> None:
    """Lock customers, interactions and photos in this order, so that no two deletions wait for each other.

    Connect it before handlers that lock what belongs to interactions.
    """
    if sender is Customer:
        owned = Interaction.objects.filter(customer__in=pks)
        list(owned.select_for_update(of=("self",)).order_by("pk").values_list("pk"))

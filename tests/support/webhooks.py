"""Make webhook endpoints for tests, and read the states of their deliveries."""

from typing import Any

import factory

from crm.models import User, WebhookDelivery, WebhookEndpoint
from crm.webhooks.event_types import event_types
from tests.support.factories import UserFactory
from tests.support.receiver import Receiver


class WebhookEndpointFactory(factory.django.DjangoModelFactory):
    """An endpoint for every event, owned by a member of staff who sees the customers that nobody owns."""

    class Meta:
        model = WebhookEndpoint

    owner = factory.SubFactory(UserFactory)
    url = "https://crm.example.com/hook"
    events = factory.LazyFunction(lambda: list(event_types()))


def endpoint_at(receiver: Receiver, owner: User | None = None, **values: Any) -> WebhookEndpoint:
    endpoint: WebhookEndpoint = WebhookEndpointFactory(url=receiver.url, owner=owner or UserFactory(), **values)
    return endpoint


def delivery_states() -> list[str]:
    """Return the state of every delivery, in order of creation."""
    return list(WebhookDelivery.objects.order_by("pk").values_list("status", flat=True))

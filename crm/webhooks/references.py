"""Build references to customers and interactions for messages: public IDs and API addresses without a host."""

from crm.customers.models import Customer
from crm.interactions.models import Interaction

API = "/api/v1"


def customer_identity(customer: Customer) -> dict[str, str]:
    return {"id": str(customer.uuid), "source": customer.source, "external_id": customer.external_id}


def customer_reference(customer: Customer) -> dict[str, str]:
    return {**customer_identity(customer), "url": f"{API}/customers/{customer.uuid}"}


def interaction_reference(interaction: Interaction) -> dict[str, str]:
    return {"id": str(interaction.uuid), "url": f"{API}/interactions/{interaction.uuid}"}

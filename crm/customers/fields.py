"""Define the field for a customer in bodies of requests and answers."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from rest_framework import serializers

from crm.customers.models import Customer


class CustomerField(serializers.SlugRelatedField[Customer]):
    """A customer, by ID, whom the sender of the request may see."""

    default_error_messages = {  # noqa: RUF012
        "does_not_exist": "There is no customer {value} within your reach.",
        "invalid": "Give the customer's ID, a UUID.",
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(slug_field="uuid", queryset=Customer.objects.all(), **kwargs)

    def get_queryset(self) -> QuerySet[Customer]:
        return Customer.objects.visible_to(self.context["request"].user)

    def to_internal_value(self, data: Any) -> Customer:
        try:
            customer_id = UUID(data)
        except (TypeError, ValueError, AttributeError):
            self.fail("invalid")
        if str(customer_id) != data.lower():  # Python accepts other ways to write a UUID too
            self.fail("invalid")
        customer: Customer = super().to_internal_value(customer_id)
        return customer

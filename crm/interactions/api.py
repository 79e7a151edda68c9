"""Serve contacts with customers."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.viewsets import ModelViewSet

from crm.api.etags import EtagWritesMixin
from crm.api.fields import StaffField, TextField
from crm.api.filters import OfCustomer, TimeFilter
from crm.api.permissions import require_permission
from crm.api.serializers import StrictModelSerializer
from crm.api.views import ApiMixin
from crm.api_keys.models import Scope
from crm.customers.api import MAX_NOTES
from crm.customers.fields import CustomerField
from crm.interactions.models import Interaction
from crm.text.fields import SEARCH_COLUMN


def for_representation(interactions: QuerySet[Interaction]) -> QuerySet[Interaction]:
    """Load what the representation of an interaction needs, and no other column of customers and staff."""
    own = (field.attname for field in Interaction._meta.concrete_fields if field.name != SEARCH_COLUMN)
    return interactions.select_related("customer", "staff").only(*own, "customer__uuid", "staff__username")


class InteractionSerializer(StrictModelSerializer):
    customer = CustomerField()
    staff = StaffField(read_only=True, help_text="Username of the member of staff who logged it.")
    notes = TextField(max_length=MAX_NOTES, allow_blank=True, required=False)

    class Meta:
        model = Interaction
        fields = ("id", "customer", "kind", "occurred_at", "staff", "notes", "created_at", "updated_at")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if self.instance and attrs.get("customer", self.instance.customer) != self.instance.customer:
            raise serializers.ValidationError({"customer": ["An interaction stays with its customer."]}, "mismatch")
        return attrs


class InteractionFilter(OfCustomer):
    staff = django_filters.CharFilter("staff__username", help_text="Username.")
    occurred_after = TimeFilter("occurred_at", "gte")
    occurred_before = TimeFilter("occurred_at", "lt")
    updated_since = TimeFilter("updated_at", "gte")
    updated_before = TimeFilter("updated_at", "lt")

    class Meta:
        model = Interaction
        fields = ("kind",)


class InteractionViewSet(ApiMixin, EtagWritesMixin, ModelViewSet[Interaction]):
    """Visits, meetings, calls, messages."""

    read_scope, write_scope = Scope.INTERACTIONS_READ, Scope.INTERACTIONS_WRITE
    queryset = Interaction.objects.none()  # for the schema
    serializer_class = InteractionSerializer
    filterset_class = InteractionFilter
    search_fields = (SEARCH_COLUMN,)
    ordering_fields = ("occurred_at", "created_at", "updated_at")
    ordering = ("-occurred_at",)

    def get_queryset(self) -> QuerySet[Interaction]:
        return for_representation(Interaction.objects.visible_to(self.user))

    def perform_create(self, serializer: serializers.BaseSerializer[Interaction]) -> None:
        serializer.save(staff=self.user)

    def perform_destroy(self, instance: Interaction) -> None:
        """Delete the interaction with its snapshots."""
        require_permission(self.user, "crm.delete_interaction", "delete interactions")
        instance.delete()

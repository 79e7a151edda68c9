"""Serve customers by their ID, or by the ID that another system gave them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import django_filters
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.db.models.functions import Lower
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ModelViewSet

from crm.api.etags import (
    EtagMixin,
    EtagWritesMixin,
    check_preconditions,
    etag_of,
    has_preconditions,
    only_creates,
)
from crm.api.fields import StaffField, TextField
from crm.api.filters import IdentifierFilter, TimeFilter
from crm.api.permissions import require_permission
from crm.api.problems import Conflict, PreconditionFailed
from crm.api.serializers import StrictModelSerializer
from crm.api.views import ApiMixin
from crm.api_keys.models import Scope
from crm.customers.models import Customer
from crm.customers.services import NameMissing, Outcome, OutOfReach, Values, owned_by, upsert_customer
from crm.text.fields import SEARCH_COLUMN
from crm.text.normalisation import normal

MAX_NOTES = 20_000  # characters


class ExternalIdTaken(Conflict):
    default_code = "external_id_taken"
    default_detail = "Another customer of this source has this external ID."


class CustomerSerializer(StrictModelSerializer):
    owner = StaffField(
        allow_null=True,
        required=False,
        help_text="Username of the member of staff who looks after this customer; null: every member of staff may."
        " If left out, a new customer belongs to the member of staff for whom the key acts.",
    )
    notes = TextField(max_length=MAX_NOTES, allow_blank=True, required=False)

    class Meta:
        model = Customer
        fields = (
            "id",
            "name",
            "email",
            "phone",
            "company",
            "owner",
            "notes",
            "source",
            "external_id",
            "created_at",
            "updated_at",
        )
        validators = ()  # only the database knows for certain that an external ID is taken, and that is a conflict

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        source = attrs.get("source", self.instance.source if self.instance else "")
        external_id = attrs.get("external_id", self.instance.external_id if self.instance else "")
        if bool(source) != bool(external_id):
            missing = "external_id" if source else "source"
            message = "Give source and external_id together, or neither."
            raise serializers.ValidationError({missing: [message]}, "incomplete")
        return attrs

    def save(self, **kwargs: Any) -> Customer:
        try:
            with transaction.atomic():
                saved: Customer = super().save(**kwargs)
        except IntegrityError as error:
            raise ExternalIdTaken from error
        return saved


class UpsertedCustomerSerializer(CustomerSerializer):
    """A customer who may exist already: only a new one needs a name."""

    class Meta(CustomerSerializer.Meta):
        extra_kwargs = {"name": {"required": False, "help_text": "Required for a new customer."}}  # noqa: RUF012


NAME_MISSING = "A new customer needs a name."


class CustomerFilter(django_filters.FilterSet):
    email = django_filters.CharFilter("email", method="by_email", help_text="Capital and small letters are the same.")
    source = IdentifierFilter("source")
    external_id = IdentifierFilter("external_id")
    owner = django_filters.CharFilter("owner__username", help_text="Username.")
    created_after = TimeFilter("created_at", "gte")
    created_before = TimeFilter("created_at", "lt")
    updated_since = TimeFilter("updated_at", "gte")
    updated_before = TimeFilter("updated_at", "lt")

    class Meta:
        model = Customer
        fields = ("name", "phone", "company")

    def by_email(self, customers: QuerySet[Customer], name: str, value: str) -> QuerySet[Customer]:
        return customers.alias(email_in_lower_case=Lower(name)).filter(email_in_lower_case=value.lower())


class CustomerViewSet(ApiMixin, EtagWritesMixin, ModelViewSet[Customer]):
    """The people whom the company serves."""

    read_scope, write_scope = Scope.CUSTOMERS_READ, Scope.CUSTOMERS_WRITE
    queryset = Customer.objects.none()  # for the schema
    serializer_class = CustomerSerializer
    filterset_class = CustomerFilter
    search_fields = (SEARCH_COLUMN,)
    ordering_fields = ("created_at", "updated_at", "name")

    def get_queryset(self) -> QuerySet[Customer]:
        return Customer.objects.visible_to(self.user).select_related("owner")

    def perform_create(self, serializer: serializers.BaseSerializer[Customer]) -> None:
        serializer.save(**owned_by(self.user, serializer.validated_data))

    def perform_destroy(self, instance: Customer) -> None:
        """Delete the customer with everything that belongs to them."""
        require_permission(self.user, "crm.delete_customer", "delete customers")
        instance.delete()


class ExternalCustomerView(ApiMixin, EtagMixin, GenericAPIView[Customer]):
    """One customer by the ID that another system gave."""

    read_scope, write_scope = Scope.CUSTOMERS_READ, Scope.CUSTOMERS_WRITE
    serializer_class = CustomerSerializer

    def get_queryset(self) -> QuerySet[Customer]:
        return Customer.objects.visible_to(self.user).select_related("owner")

    def get(self, request: Request, source: str, external_id: str) -> Response:
        if "\0" in source + external_id:  # PostgreSQL would refuse a NUL character
            raise NotFound
        customer = get_object_or_404(self.get_queryset(), source=source, external_id=external_id)
        return self.answer_read(request, customer)

    @extend_schema(request=UpsertedCustomerSerializer, responses={200: CustomerSerializer, 201: CustomerSerializer})
    def put(self, request: Request, source: str, external_id: str) -> Response:
        """Create the customer, or update the fields that are given; with If-None-Match: * only create."""
        data = _with_external_id(request.data, source=source, external_id=external_id)
        serializer = UpsertedCustomerSerializer(data=data, context=self.get_serializer_context())
        serializer.is_valid(raise_exception=True)
        customer, outcome = self._upsert(serializer.validated_data)
        code = status.HTTP_201_CREATED if outcome == Outcome.CREATED else status.HTTP_200_OK
        answer = self.get_serializer(customer).data
        return Response(answer, status=code, headers={"ETag": etag_of(answer)})

    @transaction.atomic
    def _upsert(self, values: Values) -> tuple[Customer, Outcome]:
        """Create or update the customer. Raises NotFound, PreconditionFailed, ValidationError."""
        if has_preconditions(self.request):
            self._check_preconditions(values)
        try:
            customer, outcome = upsert_customer(self.user, values)
        except OutOfReach:
            raise NotFound from None
        except NameMissing:
            raise serializers.ValidationError({"name": [NAME_MISSING]}, "incomplete") from None
        if outcome != Outcome.CREATED and only_creates(self.request):  # somebody else has just created it
            raise PreconditionFailed("There is one already.")
        return customer, outcome

    def _check_preconditions(self, values: Values) -> None:
        matching = self.get_queryset().filter(source=values["source"], external_id=values["external_id"])
        customer = matching.select_for_update(of=("self",)).first()
        check_preconditions(self.request, etag_of(self.whole(customer)) if customer else None)


def _with_external_id(data: Any, **external: str) -> Any:
    """Add the source and the external ID in the address to the body. Raises ValidationError if they differ."""
    if not isinstance(data, Mapping):
        return data
    for name, value in external.items():
        if _composed(data.get(name, value)) != normal(value):
            raise serializers.ValidationError({name: [f"The address says {value}."]}, "mismatch")
    return {**data, **external}


def _composed(value: Any) -> Any:
    return normal(value) if isinstance(value, str) else value

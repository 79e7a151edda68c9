"""Create or update many customers in one request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from drf_standardized_errors.formatter import flatten_errors
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from crm.api.problems import field_errors
from crm.api.serializers import StrictSerializer
from crm.api.views import ApiMixin
from crm.api_keys.models import Scope
from crm.customers.api import NAME_MISSING, UpsertedCustomerSerializer
from crm.customers.models import Customer
from crm.customers.services import NameMissing, Outcome, OutOfReach, Values, upsert_customers

MAX_ROWS = 1000
FAILED = "failed"
STATUSES = [(each, each) for each in (*(outcome.value for outcome in Outcome), FAILED)]


class BulkCustomerSerializer(UpsertedCustomerSerializer):
    class Meta(UpsertedCustomerSerializer.Meta):
        extra_kwargs = UpsertedCustomerSerializer.Meta.extra_kwargs | {
            "source": {"required": True, "allow_blank": False},
            "external_id": {"required": True, "allow_blank": False},
        }


class CustomersSerializer(StrictSerializer):
    # Each row is validated by itself, so that a wrong one does not hold up the others.
    customers = serializers.ListField(
        child=serializers.DictField(),
        min_length=1,
        max_length=MAX_ROWS,
        help_text="Each with the fields of a single request; source and external_id are required, name for a new one.",
    )


class RowErrorSerializer(StrictSerializer):
    field = serializers.CharField(allow_blank=True)
    code = serializers.CharField()
    detail = serializers.CharField()


class RowResultSerializer(StrictSerializer):
    index = serializers.IntegerField(help_text="Place of the row in the request, from 0.")
    status = serializers.ChoiceField(STATUSES)
    id = serializers.UUIDField(allow_null=True)
    errors = serializers.ListField(child=RowErrorSerializer())  # type: ignore[assignment]  # it hides a property that only input needs


class RowResultsSerializer(StrictSerializer):
    results = RowResultSerializer(many=True)


class BulkCustomersView(ApiMixin, APIView):
    """Create or update up to 1,000 customers by their external IDs."""

    read_scope, write_scope = Scope.CUSTOMERS_READ, Scope.CUSTOMERS_WRITE

    @extend_schema(request=CustomersSerializer, responses=RowResultsSerializer)
    def post(self, request: Request) -> Response:
        """Say for each row whether it was created, updated, unchanged or refused. A refused row stops no other."""
        body = CustomersSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        rows: Sequence[Any] = body.validated_data["customers"]
        results: list[dict[str, Any]] = [{} for _ in rows]
        valid: dict[int, Values] = {}
        serializer = BulkCustomerSerializer(context={"request": request})
        for index, row in enumerate(rows):
            try:
                valid[index] = serializer.run_validation(row)
            except serializers.ValidationError as error:
                results[index] = _failed(index, field_errors(flatten_errors(error.detail)))
        answers = upsert_customers(self.user, list(valid.values()))
        for index, answer in zip(valid, answers, strict=True):
            results[index] = _result(index, answer)
        return Response({"results": results})

    def subjects_of(self, data: Any) -> set[UUID]:
        """Return nothing: the answer holds only IDs, and deleting one customer must not forget the others' answer."""
        return set()

    def for_replay(self, data: Any) -> Any:
        """Leave out the IDs of customers who were deleted, or whom this member of staff may no longer see."""
        rows = data["results"]
        ids = [row["id"] for row in rows if row["id"]]
        visible = Customer.objects.visible_to(self.user).filter(uuid__in=ids)
        reached = {None, *map(str, visible.values_list("uuid", flat=True))}
        return {"results": [row if row["id"] in reached else _out_of_reach(row["index"]) for row in rows]}


def _result(index: int, answer: tuple[Customer, Outcome] | OutOfReach | NameMissing) -> dict[str, Any]:
    if isinstance(answer, OutOfReach):
        return _out_of_reach(index)
    if isinstance(answer, NameMissing):
        return _failed(index, [{"field": "name", "code": "incomplete", "detail": NAME_MISSING}])
    return _done(index, *answer)


def _failed(index: int, errors: list[dict[str, str]]) -> dict[str, Any]:
    return {"index": index, "status": FAILED, "id": None, "errors": errors}


def _out_of_reach(index: int) -> dict[str, Any]:
    error = {"field": "external_id", "code": "not_found", "detail": "No customer within your reach has this ID."}
    return _failed(index, [error])


def _done(index: int, customer: Customer, outcome: Outcome) -> dict[str, Any]:
    return {"index": index, "status": outcome.value, "id": str(customer.uuid), "errors": []}

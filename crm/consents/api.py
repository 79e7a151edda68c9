"""Serve what customers agreed to: a history that only grows. The newest entry of a scope counts."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from rest_framework.mixins import CreateModelMixin
from rest_framework.viewsets import ReadOnlyModelViewSet

from crm.api.etags import EtagMixin
from crm.api.fields import StaffField
from crm.api.filters import FlagFilter, OfCustomer, TimeFilter
from crm.api.problems import Conflict
from crm.api.serializers import StrictModelSerializer
from crm.api.views import ApiMixin
from crm.api_keys.models import Scope
from crm.consents.models import Consent
from crm.consents.services import AnalysisConsentMissing, record_consent
from crm.customers.fields import CustomerField


class ConsentMissing(Conflict):
    default_code = "consent_missing"
    default_detail = str(AnalysisConsentMissing())


class ConsentSerializer(StrictModelSerializer):
    customer = CustomerField()
    recorded_by = StaffField(read_only=True, help_text="Username of the member of staff.")

    class Meta:
        model = Consent
        fields = (
            "id",
            "customer",
            "scope",
            "granted",
            "obtained_by",
            "notice_version",
            "recorded_by",
            "recorded_at",
        )
        read_only_fields = ("notice_version", "recorded_at")
        extra_kwargs = {"granted": {"required": True, "help_text": "False withdraws the consent."}}  # noqa: RUF012

    def create(self, validated_data: dict[str, Any]) -> Consent:
        try:
            return record_consent(recorded_by=self.context["request"].user, **validated_data)
        except AnalysisConsentMissing as error:
            raise ConsentMissing from error


class ConsentFilter(OfCustomer):
    granted = FlagFilter("granted")
    recorded_after = TimeFilter("recorded_at", "gte")
    recorded_before = TimeFilter("recorded_at", "lt")

    class Meta:
        model = Consent
        fields = ("scope", "obtained_by")


class ConsentViewSet(ApiMixin, EtagMixin, CreateModelMixin, ReadOnlyModelViewSet[Consent]):
    """The history of what customers agreed to. Entries are only added."""

    read_scope, write_scope = Scope.CUSTOMERS_READ, Scope.CUSTOMERS_WRITE
    queryset = Consent.objects.none()  # for the schema
    serializer_class = ConsentSerializer
    filterset_class = ConsentFilter
    ordering_fields = ("recorded_at",)

    def get_queryset(self) -> QuerySet[Consent]:
        return Consent.objects.visible_to(self.user).select_related("customer", "recorded_by")

"""Offer webhooks and their deliveries in the API."""

from __future__ import annotations

from typing import Any, ClassVar

import django_filters
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ModelViewSet, ReadOnlyModelViewSet

from crm.api.etags import EtagMixin, EtagWritesMixin
from crm.api.fields import TextField
from crm.api.filters import TimeFilter
from crm.api.permissions import require_permission
from crm.api.problems import Conflict
from crm.api.serializers import StrictModelSerializer
from crm.api.views import ApiMixin
from crm.api_keys.models import Scope
from crm.webhooks import services
from crm.webhooks.addresses import MAX_URL_LENGTH, check_url
from crm.webhooks.event_types import event_types
from crm.webhooks.models.deliveries import DeliveryAttempt, WebhookDelivery
from crm.webhooks.models.endpoints import WebhookEndpoint

VERBS = {"GET": "view", "HEAD": "view", "PUT": "change", "PATCH": "change", "DELETE": "delete"}


class Unsubscribed(Conflict):
    default_code = "webhook_unsubscribed"


class WebhookState(Conflict):
    default_code = "webhook_state"


class DeliveryUnderWay(Conflict):
    default_code = "delivery_under_way"
    default_detail = "It is being delivered just now."


class WebhookSerializer(StrictModelSerializer):
    url = TextField(max_length=MAX_URL_LENGTH, validators=(), help_text="https://... of the other system.")
    events = serializers.ListField(child=serializers.ChoiceField(choices=list(event_types().items())), min_length=1)

    class Meta:
        model = WebhookEndpoint
        fields: ClassVar[tuple[str, ...]] = (
            "id",
            "url",
            "events",
            "description",
            "state",
            "stopped_at",
            "stop_reason",
            "consecutive_failures",
            "failing_since",
            "created_at",
            "updated_at",
        )
        read_only_fields = ("state", "stopped_at", "stop_reason", "consecutive_failures", "failing_since")

    def validate_url(self, url: str) -> str:
        try:
            check_url(url)
        except DjangoValidationError as error:
            raise serializers.ValidationError(error.messages, "address_refused") from error
        return url

    def validate_events(self, events: list[str]) -> list[str]:
        return list(dict.fromkeys(events))


class NewWebhookSerializer(WebhookSerializer):
    """Show a webhook with its secret, which is never shown again."""

    secret = serializers.CharField(read_only=True, help_text="Verify signatures with it. It is not shown again.")

    class Meta(WebhookSerializer.Meta):
        fields = (*WebhookSerializer.Meta.fields, "secret")

    def create(self, validated_data: dict[str, Any]) -> WebhookEndpoint:
        return services.add_endpoint(self.context["request"].user, **validated_data)


class AttemptSerializer(StrictModelSerializer):
    id = None  # type: ignore[assignment]  # An attempt has no public ID.

    class Meta:
        model = DeliveryAttempt
        fields = ("started_at", "duration", "url", "request_headers", "response_status", "response_body", "error")


class DeliverySerializer(StrictModelSerializer):
    webhook = serializers.UUIDField(source="endpoint.uuid", read_only=True)
    message_id = serializers.UUIDField(source="message.uuid", read_only=True, help_text="The header webhook-id.")
    event = serializers.CharField(source="message.type", read_only=True)

    class Meta:
        model = WebhookDelivery
        fields: ClassVar[tuple[str, ...]] = (
            "id",
            "webhook",
            "message_id",
            "event",
            "is_test",
            "status",
            "error",
            "attempts",
            "due_at",
            "finished_at",
            "created_at",
        )


class DeliveryDetailSerializer(DeliverySerializer):
    payload = serializers.JSONField(source="message.payload", read_only=True)
    log = AttemptSerializer(many=True, read_only=True)

    class Meta(DeliverySerializer.Meta):
        fields = (*DeliverySerializer.Meta.fields, "payload", "log")


class WebhookFilter(django_filters.FilterSet):
    class Meta:
        model = WebhookEndpoint
        fields = ("state",)


class WebhookMixin(ApiMixin):
    """Require the same Django permissions on webhooks as the admin does."""

    read_scope, write_scope = Scope.WEBHOOKS_READ, Scope.WEBHOOKS_WRITE
    action: str

    def check_permissions(self, request: Request) -> None:
        super().check_permissions(request)
        verb = "add" if self.action == "create" else VERBS.get(request.method or "", "change")
        require_permission(self.user, f"crm.{verb}_webhookendpoint", f"{verb} webhooks")


class WebhookViewSet(WebhookMixin, EtagWritesMixin, ModelViewSet[WebhookEndpoint]):
    """Manage webhooks: addresses of other systems that receive events."""

    queryset = WebhookEndpoint.objects.none()  # Only the schema reads this.
    serializer_class = WebhookSerializer
    filterset_class = WebhookFilter
    ordering_fields = ("created_at",)

    def get_queryset(self) -> QuerySet[WebhookEndpoint]:
        return WebhookEndpoint.objects.visible_to(self.user)

    def get_serializer_class(self) -> type[WebhookSerializer]:
        return NewWebhookSerializer if self.action in ("create", "rotate_secret") else WebhookSerializer

    @extend_schema(request=None, responses=NewWebhookSerializer)
    @action(detail=True, methods=["post"], url_path="rotate-secret")
    def rotate_secret(self, request: Request, **_: Any) -> Response:
        """Make a new secret, which is shown only once. For one day, messages are signed with the old secret too."""
        services.rotate_secret(self.get_object())
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(request=None, responses=WebhookSerializer)
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, **_: Any) -> Response:
        """Pause the webhook. Its messages wait until it is resumed."""
        if not services.pause(self.get_object()):
            raise WebhookState("It is not active.")
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(request=None, responses=WebhookSerializer)
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, **_: Any) -> Response:
        """Resume the webhook: deliver the waiting messages and all new ones."""
        if not services.resume(self.get_object()):
            raise WebhookState("It is active already.")
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(request=None, responses={202: DeliverySerializer})
    @action(detail=True, methods=["post"])
    def test(self, request: Request, **_: Any) -> Response:
        """Send a `webhook.test` message to this webhook."""
        try:
            delivery = services.send_test(self.get_object())
        except services.EndpointUnsubscribed as error:
            raise Unsubscribed(str(error)) from error
        return Response(DeliverySerializer(delivery).data, status=status.HTTP_202_ACCEPTED)


class DeliveryFilter(django_filters.FilterSet):
    webhook = django_filters.UUIDFilter("endpoint__uuid")
    event = django_filters.CharFilter("message__type")
    created_after = TimeFilter("created_at", "gte")
    created_before = TimeFilter("created_at", "lt")

    class Meta:
        model = WebhookDelivery
        fields = ("status",)


class DeliveryViewSet(WebhookMixin, EtagMixin, ReadOnlyModelViewSet[WebhookDelivery]):
    """List the messages sent to webhooks. One delivery also shows its attempts: each request and its answer."""

    queryset = WebhookDelivery.objects.none()  # Only the schema reads this.
    serializer_class = DeliverySerializer
    filterset_class = DeliveryFilter
    ordering_fields = ("created_at",)

    def get_queryset(self) -> QuerySet[WebhookDelivery]:
        deliveries = WebhookDelivery.objects.visible_to(self.user).select_related("endpoint", "message")
        return deliveries.prefetch_related("log") if self.action == "retrieve" else deliveries

    def get_serializer_class(self) -> type[DeliverySerializer]:
        return DeliveryDetailSerializer if self.action == "retrieve" else DeliverySerializer

    @extend_schema(request=None, responses={202: DeliverySerializer})
    @action(detail=True, methods=["post"])
    def redeliver(self, request: Request, **_: Any) -> Response:
        """Deliver the message again from the first attempt, even if it was delivered before."""
        try:
            if not services.redeliver(self.get_object()):
                raise DeliveryUnderWay
        except services.EndpointUnsubscribed as error:
            raise Unsubscribed(str(error)) from error
        return Response(self.get_serializer(self.get_object()).data, status=status.HTTP_202_ACCEPTED)

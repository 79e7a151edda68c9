"""Show staff their webhooks. Django's permissions on WebhookEndpoint decide who may use these pages."""

import json
from typing import Any, cast

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from crm.accounts.models import User
from crm.webhooks.admin_actions import act_on_delivery, act_on_endpoint
from crm.webhooks.admin_forms import WebhookEndpointForm
from crm.webhooks.models.deliveries import WebhookDelivery
from crm.webhooks.models.endpoints import WebhookEndpoint
from crm.workspace.admin import WorkspaceAdmin
from crm.workspace.links import open_or_home

DELIVERIES_ON_A_PAGE = 20
DELIVERIES_SHOWN = 2000  # Only the newest are shown: nobody pages further, and counting more takes long.


def badge(kind: str, text: str) -> SafeString:
    return format_html('<span class="rp-badge rp-badge--{}">{}</span>', kind, text)


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(WorkspaceAdmin):
    # Deliveries have no delete pages of their own, so they are deleted with their webhook.
    deletes_what_belongs = True
    form = WebhookEndpointForm
    list_display = ("url", "description", "owner", "badge", "created_at")
    list_filter = ("state",)
    list_select_related = ("owner",)
    list_per_page = 50
    search_fields = ("url", "description")
    search_help_text = "Address or description"
    fields = ("url", "description", "events")
    change_form_outer_after_template = "crm/webhooks/endpoint.html"

    class Media:
        css = {"all": ["crm/webhooks/webhooks.css"]}  # noqa: RUF012

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookEndpoint]:
        return WebhookEndpoint.objects.visible_to(cast(User, request.user)).select_related("owner").order_by("-pk")

    def get_urls(self) -> list[URLPattern]:
        act = self.admin_site.admin_view(self.act)
        return [path("<int:pk>/act/", act, name="crm_webhookendpoint_act"), *super().get_urls()]

    def act(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        return act_on_endpoint(request, self.get_queryset(request), pk, self.show_secret)

    @admin.display(description="State", ordering="state")
    def badge(self, endpoint: WebhookEndpoint) -> SafeString:
        return badge("analysed" if endpoint.is_active else "failed", endpoint.get_state_display())

    def save_model(self, request: HttpRequest, obj: WebhookEndpoint, form: Any, change: bool) -> None:
        if change:
            # Saving every field could undo a stop by a worker or a new secret made by a colleague.
            obj.save(update_fields=[*self.fields, "updated_at"])
        else:
            obj.owner = cast(User, request.user)
            obj.save()

    def response_add(self, request: HttpRequest, obj: WebhookEndpoint, post_url_continue: str | None = None) -> Any:
        return self.show_secret(request, obj, obj.secret)

    def show_secret(self, request: HttpRequest, endpoint: WebhookEndpoint, secret: str) -> HttpResponseBase:
        """Return the only page that ever shows the secret. The admin forbids browsers to cache its pages."""
        page = reverse("admin:crm_webhookendpoint_change", args=[endpoint.pk])
        context = {
            **self.admin_site.each_context(request),
            "title": "The webhook's secret",
            "endpoint": endpoint,
            "next": open_or_home(request, page),
            "secret": secret,
            "old_until": max((until for _, until in endpoint.overlapping(timezone.now())), default=None),
        }
        return TemplateResponse(request, "crm/webhooks/secret.html", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> Any:
        endpoint = self.get_object(request, object_id)
        extra = self._about(request, endpoint) if endpoint else {}
        return super().change_view(request, object_id, form_url, {**extra, **(extra_context or {})})

    def _about(self, request: HttpRequest, endpoint: WebhookEndpoint) -> dict[str, Any]:
        newest = endpoint.deliveries.select_related("message").order_by("-pk")[:DELIVERIES_SHOWN]
        return {
            "endpoint": endpoint,
            "overlapping": endpoint.overlapping(timezone.now()),
            "waiting": WebhookDelivery.objects.waiting().filter(endpoint=endpoint).count(),
            "failed": endpoint.deliveries.filter(status=WebhookDelivery.Status.FAILED, is_test=False).count(),
            "deliveries": Paginator(newest, DELIVERIES_ON_A_PAGE).get_page(request.GET.get("page")),
            "may_change": self.has_change_permission(request),
        }


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(WorkspaceAdmin):
    """Show one delivery with its log. Staff can read it and deliver it again, but not edit it."""

    list_display = ("created_at", "event", "endpoint", "badge", "attempts", "error")
    list_filter = ("status", "created_at")
    list_select_related = ("message", "endpoint")
    list_per_page = 50
    show_full_result_count = False
    ordering = ("-pk",)
    fields = ("event", "webhook", "badge", "error", "created_at", "due_at", "finished_at")
    readonly_fields = fields
    change_form_outer_after_template = "crm/webhooks/delivery.html"

    class Media:
        css = {"all": ["crm/webhooks/webhooks.css"]}  # noqa: RUF012

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookDelivery]:
        visible = WebhookDelivery.objects.visible_to(cast(User, request.user))
        return visible.select_related("message", "endpoint").order_by("-pk")

    def get_urls(self) -> list[URLPattern]:
        act = self.admin_site.admin_view(self.act)
        return [path("<int:pk>/act/", act, name="crm_webhookdelivery_act"), *super().get_urls()]

    def act(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        return act_on_delivery(request, self.get_queryset(request), pk)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return False  # Staff open deliveries from the webhook's page.

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.has_perm("crm.view_webhookendpoint") or request.user.has_perm("crm.change_webhookendpoint")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> Any:
        delivery = self.get_object(request, object_id)
        extra = {
            "delivery": delivery,
            "payload": json.dumps(delivery.message.payload, indent=2) if delivery else "",
            "log": delivery.log.all()[:50] if delivery else (),
            "may_change": request.user.has_perm("crm.change_webhookendpoint"),
        }
        return super().change_view(request, object_id, form_url, {**extra, **(extra_context or {})})

    @admin.display(description="Event", ordering="message__type")
    def event(self, delivery: WebhookDelivery) -> str:
        return delivery.message.type

    @admin.display(description="Webhook")
    def webhook(self, delivery: WebhookDelivery) -> SafeString:
        address = reverse("admin:crm_webhookendpoint_change", args=[delivery.endpoint_id])
        return format_html('<a class="rp-link" href="{}">{}</a>', address, delivery.endpoint.url)

    @admin.display(description="State", ordering="status")
    def badge(self, delivery: WebhookDelivery) -> SafeString:
        return badge(delivery.status, delivery.get_status_display())

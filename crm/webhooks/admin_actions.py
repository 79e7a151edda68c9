"""Carry out the buttons on the webhook pages. Each is a POST, and pressing it twice does no harm."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect

from crm.webhooks import services
from crm.webhooks.models.deliveries import WebhookDelivery
from crm.webhooks.models.endpoints import WebhookEndpoint
from crm.webhooks.services import EndpointUnsubscribed

ShowSecret = Callable[[HttpRequest, WebhookEndpoint, str], HttpResponseBase]


def act_on_endpoint(
    request: HttpRequest, endpoints: QuerySet[WebhookEndpoint], pk: int, show_secret: ShowSecret
) -> HttpResponseBase:
    if refusal := _refuse(request):
        return refusal
    endpoint = get_object_or_404(endpoints, pk=pk)
    action = request.POST.get("action")
    if action == "rotate":
        secret = services.rotate_secret(endpoint)
        endpoint.refresh_from_db()
        return show_secret(request, endpoint, secret)
    try:
        done = _act(endpoint, action)
    except EndpointUnsubscribed as error:
        messages.error(request, str(error))
    else:
        messages.success(request, done)
    return redirect("admin:crm_webhookendpoint_change", endpoint.pk)


def _act(endpoint: WebhookEndpoint, action: str | None) -> str:
    """Carry out the action and return the message for the user. Raises PermissionDenied for an unknown action."""
    match action:
        case "pause":
            services.pause(endpoint)
            return "Paused. Messages wait until you resume."
        case "resume":
            services.resume(endpoint)
            return "Resumed. What waited is on its way."
        case "end-old-secrets":
            services.end_old_secrets(endpoint)
            return "Only the newest secret signs from now on."
        case "test":
            services.send_test(endpoint)
            return "A test message is on its way. Load this page again to see what came back."
        case "redeliver-failed":
            count = services.redeliver_failed(endpoint)
            return f"{count} failed {'message is' if count == 1 else 'messages are'} on the way again."
    raise PermissionDenied


def act_on_delivery(request: HttpRequest, deliveries: QuerySet[WebhookDelivery], pk: int) -> HttpResponseBase:
    if refusal := _refuse(request):
        return refusal
    delivery = get_object_or_404(deliveries, pk=pk)
    try:
        if services.redeliver(delivery):
            messages.success(request, "It is on its way again. Load this page again to see what came back.")
        else:
            messages.warning(request, "It is being delivered at this very moment.")
    except EndpointUnsubscribed as error:
        messages.error(request, str(error))
    return redirect("admin:crm_webhookdelivery_change", delivery.pk)


def _refuse(request: HttpRequest) -> HttpResponseBase | None:
    """Return a 405 unless this is a POST. Raises PermissionDenied when the user may not change webhooks."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    if not request.user.has_perm("crm.change_webhookendpoint"):
        raise PermissionDenied
    return None

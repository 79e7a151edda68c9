"""Configure how the workspace looks and what its menu offers."""

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy


def on_customer_pages(request: HttpRequest) -> bool:
    return request.path.startswith(("/admin/crm/customer/", "/admin/customers/"))


def on_review_pages(request: HttpRequest) -> bool:
    return request.path.startswith("/admin/review/")


def may_view_staff(request: HttpRequest) -> bool:
    return request.user.has_perm("crm.view_user")


def may_view_snapshots(request: HttpRequest) -> bool:
    return request.user.has_perm("emotions.view_snapshot")


def may_manage_models(request: HttpRequest) -> bool:
    return request.user.has_perm("emotions.manage_models")


def may_view_status(request: HttpRequest) -> bool:
    return request.user.has_perm("jobs.view_status")


def may_view_api_keys(request: HttpRequest) -> bool:
    return request.user.has_perm("crm.view_apikey") or request.user.has_perm("crm.change_apikey")


def on_model_pages(request: HttpRequest) -> bool:
    return request.path.startswith(("/admin/models/", "/admin/re-analyses/"))


def may_view_webhooks(request: HttpRequest) -> bool:
    return request.user.has_perm("crm.view_webhookendpoint")


def on_webhook_pages(request: HttpRequest) -> bool:
    return request.path.startswith(("/admin/crm/webhookendpoint/", "/admin/crm/webhookdelivery/"))


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Rapport",
    "SITE_HEADER": "Rapport",
    "SITE_SUBHEADER": "How customers appear to feel",
    "SITE_URL": "",  # there is no site beside the workspace to return to
    "SITE_SYMBOL": "sentiment_satisfied",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("workspace/favicon.svg")},
    ],
    "SHOW_VIEW_ON_SITE": False,
    "STYLES": [
        lambda request: static("workspace/workspace.css"),
        lambda request: static("workspace/customer.css"),
        lambda request: static("emotions/timeline/timeline.css"),
        lambda request: static("workspace/forms.css"),
        lambda request: static("emotions/corrections/corrections.css"),
    ],
    "SCRIPTS": [
        lambda request: static("workspace/failed_requests.js"),
        lambda request: static("workspace/keyboard.js"),
    ],
    "BORDER_RADIUS": "8px",
    "COLORS": {
        "primary": {  # a calm teal; 600 on white and white on 600 have a contrast of 5.5
            "50": "oklch(98.4% .014 180.7)",
            "100": "oklch(95.3% .051 180.8)",
            "200": "oklch(91% .096 180.4)",
            "300": "oklch(85.5% .12 181.1)",
            "400": "oklch(77.7% .13 181.9)",
            "500": "oklch(68% .12 182.5)",
            "600": "oklch(51.1% .096 186.4)",
            "700": "oklch(43.7% .078 188.2)",
            "800": "oklch(38.6% .063 188.4)",
            "900": "oklch(32% .053 190)",
            "950": "oklch(27.7% .046 192.5)",
        },
    },
    "SIDEBAR": {
        "navigation": [
            {
                "items": [
                    {
                        "title": "Customers",
                        "icon": "groups",
                        "link": reverse_lazy("admin:crm_customer_changelist"),
                        "active": on_customer_pages,
                    },
                    {
                        "title": "Interactions",
                        "icon": "forum",
                        "link": reverse_lazy("admin:crm_interaction_changelist"),
                    },
                    {
                        "title": "Consents",
                        "icon": "verified_user",
                        "link": reverse_lazy("admin:crm_consent_changelist"),
                    },
                    {
                        "title": "Review",
                        "icon": "rate_review",
                        "link": reverse_lazy("emotions:review"),
                        "active": on_review_pages,
                    },
                ],
            },
            {
                "title": "Operation",
                "separator": True,
                "items": [
                    {
                        "title": "Status",
                        "icon": "monitor_heart",
                        "link": reverse_lazy("emotions:status"),
                        "permission": may_view_status,
                    },
                    {
                        "title": "Jobs",
                        "icon": "checklist",
                        "link": reverse_lazy("jobs:jobs"),
                    },
                    {
                        "title": "Snapshots",
                        "icon": "photo_camera",
                        "link": reverse_lazy("admin:emotions_snapshot_changelist"),
                        "permission": may_view_snapshots,
                    },
                    {
                        "title": "Models",
                        "icon": "neurology",
                        "link": reverse_lazy("emotions:models"),
                        "active": on_model_pages,
                        "permission": may_manage_models,
                    },
                    {
                        "title": "API keys",
                        "icon": "key",
                        "link": reverse_lazy("admin:crm_apikey_changelist"),
                        "permission": may_view_api_keys,
                    },
                    {
                        "title": "Webhooks",
                        "icon": "webhook",
                        "link": reverse_lazy("admin:crm_webhookendpoint_changelist"),
                        "active": on_webhook_pages,
                        "permission": may_view_webhooks,
                    },
                    {
                        "title": "Staff",
                        "icon": "badge",
                        "link": reverse_lazy("admin:crm_user_changelist"),
                        "permission": may_view_staff,
                    },
                ],
            },
        ],
    },
}

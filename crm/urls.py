"""Collect the API addresses of the CRM's features."""

from django.urls import include, path
from django.views.decorators.cache import cache_page
from drf_spectacular.views import SpectacularAPIView
from rest_framework.routers import SimpleRouter

from crm.api.documentation import RedocView, SwaggerView
from crm.consents.api import ConsentViewSet
from crm.customers.api import CustomerViewSet, ExternalCustomerView
from crm.customers.bulk import BulkCustomersView
from crm.interactions.api import InteractionViewSet
from crm.webhooks.api import DeliveryViewSet, WebhookViewSet

app_name = "api"
router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("customers", CustomerViewSet, "customer")
router.register("interactions", InteractionViewSet, "interaction")
router.register("consents", ConsentViewSet, "consent")
router.register("webhooks", WebhookViewSet, "webhook")
router.register("webhook-deliveries", DeliveryViewSet, "webhook-delivery")

urlpatterns = [
    path("customers/bulk", BulkCustomersView.as_view(), name="customers-bulk"),
    path(
        "customers/by-external-id/<str:source>/<path:external_id>",
        ExternalCustomerView.as_view(),
        name="customer-by-external-id",
    ),
    path("", include(router.urls)),
    # Anybody may ask for the schema, and making it takes a second.
    path("schema", cache_page(24 * 3600, cache="process")(SpectacularAPIView.as_view()), name="schema"),
    path("docs", SwaggerView.as_view(url_name="api:schema"), name="docs"),
    path("redoc", RedocView.as_view(url_name="api:schema"), name="redoc"),
]

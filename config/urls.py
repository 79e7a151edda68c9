"""Assemble the addresses of the whole site."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from crm.accounts.views import password_change
from crm.workspace.search import search

handler400 = "crm.workspace.error_pages.bad_request"
handler403 = "crm.workspace.error_pages.permission_denied"
handler404 = "crm.workspace.error_pages.not_found"
handler500 = "crm.workspace.error_pages.server_error"

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:crm_customer_changelist")),
    path("admin/", RedirectView.as_view(pattern_name="admin:crm_customer_changelist")),
    path("admin/password_change/", admin.site.admin_view(password_change)),
    path("admin/search/", admin.site.admin_view(search)),
    path("admin/", include("emotions.urls")),
    path("admin/", include("jobs.pages.urls")),
    path("admin/", admin.site.urls),
    path("api/v1/", include("crm.urls")),
    path("api/v1/", include("emotions.api.urls")),
]

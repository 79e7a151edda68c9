"""Show staff whether everything works."""

from django.contrib import admin
from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from emotions.access import StaffRequest, for_staff
from emotions.status.queries import status_page


@require_GET
@never_cache
def _status(request: StaffRequest) -> HttpResponse:
    context = admin.site.each_context(request) | {"title": "Status", "page": status_page()}
    return render(request, "emotions/status/status.html", context)


status = for_staff(permission_required("jobs.view_status", raise_exception=True)(_status))

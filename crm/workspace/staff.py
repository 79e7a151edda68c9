"""Open admin pages to every member of staff, with the customers they may see."""

from typing import Any, cast

from django.db.models import Model, QuerySet
from django.http import HttpRequest

from crm.workspace.admin import WorkspaceAdmin
from crm.workspace.log import LogsNoNames


class StaffAdmin(LogsNoNames, WorkspaceAdmin):
    """Show every member of staff the rows of the customers they may see."""

    deletes_what_belongs = True  # because those rows have no delete pages

    def has_module_permission(self, request: HttpRequest) -> bool:
        return _is_staff(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return _is_staff(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return _is_staff(request)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return _is_staff(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: Any = super().get_queryset(request)
        return cast("QuerySet[Any]", rows.visible_to(request.user))


def _is_staff(request: HttpRequest) -> bool:
    return request.user.is_active and request.user.is_staff

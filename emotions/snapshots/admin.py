"""Show operators which photos are waiting, and which failed and why."""

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from crm.accounts.members import member_of_staff
from crm.workspace.admin import WorkspaceAdmin
from crm.workspace.badges import badge
from crm.workspace.log import LogsNoNames
from emotions.snapshots.models import Snapshot


@admin.register(Snapshot)
class SnapshotAdmin(LogsNoNames, WorkspaceAdmin):
    """List photos read-only; people with the permission can delete them."""

    list_display = ("created_at", "state", "error", "attempts", "customer", "timeline_link")
    list_filter = ("status", "created_at")
    extra_lookups = ("finished_at__gte",)  # the status page links to it
    list_per_page = 50
    ordering = ("-pk",)
    deletes_what_belongs = True
    fields = ("uuid", "state", "error", "attempts", "captured_at", "created_at", "due_at", "finished_at")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Snapshot]:
        visible = Snapshot.objects.visible_to(member_of_staff(request))
        return visible.select_related("customer")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def line_before_deletion(self, row: Model) -> SafeString | str:
        """Show the photo, because its ID tells nobody which one is deleted."""
        assert isinstance(row, Snapshot)  # noqa: S101 - for the type checker
        taken = f"{timezone.localtime(row.captured_at):%-d %B %Y, %H:%M}"
        text = format_html("Photo of {}, taken {}", row.customer.name, taken)
        if not row.file:
            return text
        address = reverse("emotions:preview", args=[row.uuid])
        return format_html(
            '<img class="rp-deleted-photo" src="{}" alt="" width="160" loading="lazy"> {}', address, text
        )

    @admin.display(description="Status", ordering="status")
    def state(self, snapshot: Snapshot) -> SafeString:
        return badge(snapshot.get_status_display(), snapshot.status)

    @admin.display(description="Timeline")
    def timeline_link(self, snapshot: Snapshot) -> SafeString:
        address = reverse("emotions:timeline", args=[snapshot.customer.uuid])
        return format_html('<a href="{}" class="rp-link">Open timeline</a>', address)

"""Define the pages to read and correct interactions. New ones are logged on the customer's timeline."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponseRedirect
from django.shortcuts import redirect

from crm.interactions.forms import InteractionForm
from crm.interactions.models import Interaction
from crm.text.fields import SEARCH_COLUMN
from crm.workspace.staff import StaffAdmin


@admin.register(Interaction)
class InteractionAdmin(StaffAdmin):
    """Read and correct. New interactions are logged on the customer's timeline."""

    form = InteractionForm
    list_display = ("occurred_at", "customer", "kind", "staff")
    list_filter = ("kind", "occurred_at")
    list_select_related = ("customer", "staff")
    list_per_page = 50
    search_fields = (f"customer__{SEARCH_COLUMN}", SEARCH_COLUMN)
    search_help_text = "Customer or notes"
    fields = ("customer", "kind", "occurred_at", "notes", "logged_by")
    readonly_fields = ("customer", "logged_by")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.display(description="Staff")
    def logged_by(self, interaction: Interaction) -> str:
        """Return the colleague's name without a link to the account, which not everybody may open."""
        return str(interaction.staff or "-")

    def response_post_save_change(self, request: HttpRequest, obj: Interaction) -> HttpResponseRedirect:
        return redirect(obj.customer)  # where staff came from to correct it

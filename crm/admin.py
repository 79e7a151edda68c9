"""The staff's workspace: the admin pages of the CRM.

Every member of staff may work with the customers that they may see (`visible_to`); deleting, and managing
the staff, need Django's permissions.
"""

from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.contrib import admin
from django.db.models import ForeignKey, Model, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from crm.accounts import admin as accounts_admin  # noqa: F401  # registers its pages
from crm.admin_base import WorkspaceAdmin
from crm.admin_log import LogsNoNames
from crm.forms import InteractionForm
from crm.models import Consent, Customer, Interaction, User
from crm.models.text import SEARCH_COLUMN
from crm.services import record_consent
from crm.webhooks import admin as webhooks_admin  # noqa: F401  # registers its pages

if TYPE_CHECKING:  # Unfold has no types; its classes extend these
    from django.forms import Select as AdminSelect
else:
    from unfold.widgets import UnfoldAdminSelectWidget as AdminSelect


class StaffAdmin(LogsNoNames, WorkspaceAdmin):
    """Open to every member of staff, for the rows of customers that they may see."""

    deletes_what_belongs = True  # which has no delete pages of its own

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
        return cast("QuerySet[Any]", rows.visible_to(member_of_staff(request)))


def back_to_timeline(customer: Customer) -> HttpResponseRedirect:
    """Where staff came from to correct something."""
    return redirect("emotions:timeline", customer.uuid)


@admin.register(Customer)
class CustomerAdmin(StaffAdmin):
    list_display = ("timeline_link", "company", "owner", "last_interaction", "edit_link")
    list_display_links = None
    list_filter = (("owner", admin.RelatedOnlyFieldListFilter), "source")
    list_select_related = ("owner",)
    list_per_page = 50
    search_fields = (SEARCH_COLUMN,)
    search_help_text = "Name, email, phone, company or external ID"
    fieldsets = (
        (None, {"fields": (("name", "company"), ("email", "phone"), "owner", "notes")}),
        ("From another system", {"fields": (("source", "external_id"),), "classes": ("collapse",)}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Customer]:
        newest = Interaction.objects.filter(customer=OuterRef("pk")).values("occurred_at")[:1]
        customers: QuerySet[Customer] = super().get_queryset(request)
        return customers.annotate(last_interaction_at=Subquery(newest))

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"owner": request.user.pk, **super().get_changeform_initial_data(request)}

    def formfield_for_foreignkey(self, db_field: ForeignKey[Any], request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "owner":
            kwargs["queryset"] = User.objects.filter(is_staff=True, is_active=True).order_by("username")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def response_post_save_change(self, request: HttpRequest, obj: Customer) -> HttpResponseRedirect:
        if not self.get_queryset(request).filter(pk=obj.pk).exists():  # handed over to a colleague
            return super().response_post_save_change(request, obj)
        return back_to_timeline(obj)

    @admin.display(description="Name", ordering="name")
    def timeline_link(self, customer: Customer) -> SafeString:
        address = reverse("emotions:timeline", args=[customer.uuid])
        return format_html('<a href="{}" class="rp-name">{}</a>', address, customer.name)

    @admin.display(description="Last interaction", ordering="last_interaction_at", empty_value="None yet")
    def last_interaction(self, customer: Customer) -> Any:
        return customer.last_interaction_at  # type: ignore[attr-defined]  # annotated in get_queryset

    @admin.display(description="Edit")
    def edit_link(self, customer: Customer) -> SafeString:
        address = reverse("admin:crm_customer_change", args=[customer.pk])
        return format_html('<a href="{}" class="rp-link" aria-label="Edit {}">Edit</a>', address, customer.name)


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
    fields = ("customer", "kind", "occurred_at", "notes", "staff")
    readonly_fields = ("customer", "staff")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def response_post_save_change(self, request: HttpRequest, obj: Interaction) -> HttpResponseRedirect:
        return back_to_timeline(obj.customer)


class ConsentForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    # A choice without a default, as an unticked box would withdraw a consent by mistake.
    granted = forms.TypedChoiceField(
        label="The customer",
        choices=(("", "Select value"), ("yes", "agrees"), ("no", "withdraws the consent")),
        coerce=lambda value: value == "yes",
        widget=AdminSelect,
    )

    class Meta:
        model = Consent
        fields = ("customer", "scope", "granted", "obtained_by")


@admin.register(Consent)
class ConsentAdmin(StaffAdmin):
    """The history is only ever added to."""

    form = ConsentForm
    list_display = ("customer", "scope", "granted", "obtained_by", "notice_version", "recorded_by", "recorded_at")
    list_filter = ("granted", "obtained_by")
    list_select_related = ("customer", "recorded_by")
    list_per_page = 50
    search_fields = (f"customer__{SEARCH_COLUMN}",)
    search_help_text = "Customer"
    autocomplete_fields = ("customer",)

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        written = ("customer", "scope", "granted", "obtained_by")
        return written if obj is None else (*written, "notice_version", "recorded_by", "recorded_at")

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def formfield_for_foreignkey(self, db_field: ForeignKey[Any], request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "customer":
            kwargs["queryset"] = Customer.objects.visible_to(member_of_staff(request))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Consent, form: Any, change: bool) -> None:
        saved = record_consent(
            obj.customer,
            granted=obj.granted,
            obtained_by=obj.obtained_by,
            recorded_by=member_of_staff(request),
            scope=obj.scope,
        )
        obj.pk = saved.pk


def member_of_staff(request: HttpRequest) -> User:
    """Who asks, on a page that only members of staff reach."""
    return cast(User, request.user)


def _is_staff(request: HttpRequest) -> bool:
    return request.user.is_active and request.user.is_staff


from crm import admin_api_keys as admin_api_keys  # noqa: E402  # needs what is above

"""Define the list and the form of customers."""

from typing import Any

from django.contrib import admin
from django.db.models import ForeignKey, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from crm.accounts.models import User
from crm.customers.models import Customer
from crm.text.fields import SEARCH_COLUMN
from crm.workspace.staff import StaffAdmin


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
        latest = Customer.objects.filter(pk=OuterRef("pk")).order_by("-interactions__occurred_at")
        customers: QuerySet[Customer] = super().get_queryset(request)
        return customers.annotate(last_interaction_at=Subquery(latest.values("interactions__occurred_at")[:1]))

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"owner": request.user.pk, **super().get_changeform_initial_data(request)}

    def formfield_for_foreignkey(self, db_field: ForeignKey[Any], request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "owner":
            kwargs["queryset"] = User.objects.filter(is_staff=True, is_active=True).order_by("username")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def response_post_save_change(self, request: HttpRequest, obj: Customer) -> HttpResponseRedirect:
        if not self.get_queryset(request).filter(pk=obj.pk).exists():  # handed over to a colleague
            return super().response_post_save_change(request, obj)
        return redirect(obj)  # where staff came from to correct it

    @admin.display(description="Name", ordering="name")
    def timeline_link(self, customer: Customer) -> SafeString:
        address = customer.get_absolute_url()
        return format_html('<a href="{}" class="rp-name">{}</a>', address, customer.name)

    @admin.display(description="Last interaction", ordering="last_interaction_at", empty_value="None yet")
    def last_interaction(self, customer: Customer) -> Any:
        return customer.last_interaction_at  # type: ignore[attr-defined]  # annotated in get_queryset

    @admin.display(description="Edit")
    def edit_link(self, customer: Customer) -> SafeString:
        address = reverse("admin:crm_customer_change", args=[customer.pk])
        return format_html('<a href="{}" class="rp-link" aria-label="Edit {}">Edit</a>', address, customer.name)

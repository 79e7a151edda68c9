"""Define the pages of the consents, a history to which staff can only add."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import ForeignKey, Model
from django.http import HttpRequest

from crm.accounts.members import member_of_staff
from crm.consents.models import Consent
from crm.consents.services import AnalysisConsentMissing, check_consent, record_consent
from crm.customers.models import Customer
from crm.text.fields import SEARCH_COLUMN
from crm.workspace.staff import StaffAdmin
from crm.workspace.theme import Select


class ConsentForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    # A choice without a default: a box that nobody ticked would withdraw a consent by mistake.
    granted = forms.TypedChoiceField(
        label="The customer",
        choices=(("", "Select value"), ("yes", "agrees"), ("no", "withdraws the consent")),
        coerce=lambda value: value == "yes",
        widget=Select,
    )

    class Meta:
        model = Consent
        fields = ("customer", "scope", "granted", "obtained_by")

    def clean(self) -> dict[str, Any]:
        """Refuse what `record_consent` would refuse; the customer stays locked until the consent is saved."""
        super().clean()
        consent: dict[str, Any] = self.cleaned_data
        if {"customer", "scope", "granted"} <= consent.keys():
            try:
                check_consent(consent["customer"], scope=consent["scope"], granted=consent["granted"])
            except AnalysisConsentMissing as error:
                self.add_error("scope", str(error))
        return consent


@admin.register(Consent)
class ConsentAdmin(StaffAdmin):
    """Staff can read the history and add to it."""

    form = ConsentForm
    list_display = ("customer", "scope", "granted", "obtained_by", "notice_version", "recorded_by", "recorded_at")
    list_filter = ("granted", "obtained_by")
    list_select_related = ("customer", "recorded_by")
    list_per_page = 50
    search_fields = (f"customer__{SEARCH_COLUMN}",)
    search_help_text = "Customer"
    autocomplete_fields = ("customer",)

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        entered = ("customer", "scope", "granted", "obtained_by")
        return entered if obj is None else (*entered, "notice_version", "recorder", "recorded_at")

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        return () if obj is None else self.get_fields(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    @admin.display(description="Recorded by")
    def recorder(self, consent: Consent) -> str:
        """Return the colleague's name without a link to the account, which not everybody may open."""
        return str(consent.recorded_by or "-")

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

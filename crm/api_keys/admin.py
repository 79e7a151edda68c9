"""Define the pages of the keys with which other systems use the REST API.

Staff with the permission to add keys make keys that act for themselves; superusers make them for anybody. So no key
reaches more than its maker does. A key never changes: staff make another one, and revoke the old one.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import ForeignKey, Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from rest_framework_api_key.models import APIKey as UnusedApiKey

from crm.accounts.members import member_of_staff
from crm.accounts.models import User
from crm.api_keys.models import ApiKey, Scope
from crm.workspace.admin import WorkspaceAdmin
from crm.workspace.links import open_or_home
from crm.workspace.theme import Checkboxes, Textarea

admin.site.unregister(UnusedApiKey)


class ApiKeyForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    scopes = forms.MultipleChoiceField(
        label="May",
        choices=[(scope.value, f"{scope.label} ({scope.value})") for scope in Scope],
        widget=Checkboxes,
        help_text="Tick only what the system needs.",
    )
    allowed_addresses = forms.CharField(
        required=False,
        widget=Textarea(attrs={"rows": 3}),
        help_text="IP addresses or networks, one a line, such as 192.0.2.7 or 2001:db8::/32. Empty: from anywhere.",
    )

    class Meta:
        model = ApiKey
        fields = ("name", "user", "scopes", "expiry_date", "allowed_addresses")
        help_texts = {  # noqa: RUF012
            "name": "The name of the system that will use the key.",
            "expiry_date": "From then on the key is refused. Empty: it never expires.",
        }

    def clean_allowed_addresses(self) -> list[str]:
        addresses: str = self.cleaned_data["allowed_addresses"]
        return addresses.split()

    def clean_expiry_date(self) -> Any:
        expiry = self.cleaned_data["expiry_date"]
        if expiry and expiry <= timezone.now():
            raise forms.ValidationError("This time is over. Enter a time in the future.")
        return expiry


@admin.register(ApiKey)
class ApiKeyAdmin(WorkspaceAdmin):
    """Pages of keys. Their addresses have a key's prefix, because its primary key contains the hash."""

    form = ApiKeyForm
    list_display = ("label", "acts_for", "may", "addresses", "expires", "last_used", "condition")
    list_display_links = None
    list_filter = ("revoked",)
    list_select_related = ("user",)
    list_per_page = 50
    search_fields = ("name", "prefix", "user__username")
    search_help_text = "Name, first characters or username"
    actions = None
    ordering = ("revoked", "-created")

    class Media:
        css = {"all": ("crm/api_keys/api_keys.css",)}  # noqa: RUF012
        js = ("crm/api_keys/api_keys.js",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiKey]:
        return ApiKey.objects.visible_to(member_of_staff(request))

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> ApiKey | None:
        return None if "\0" in object_id else self.get_queryset(request).filter(prefix=object_id).first()

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def may_revoke(self, request: HttpRequest) -> bool:
        return request.user.has_perm("crm.change_apikey")

    # The form for a new key

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        fields = ApiKeyForm.Meta.fields
        return fields if member_of_staff(request).is_superuser else tuple(each for each in fields if each != "user")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"user": request.user.pk, **super().get_changeform_initial_data(request)}

    def formfield_for_foreignkey(self, db_field: ForeignKey[Any], request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "user":
            kwargs["queryset"] = User.objects.filter(is_staff=True, is_active=True).order_by("username")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        # The next page shows the key, this once: a button that leads elsewhere would lose it.
        only_save = {"show_save_and_add_another": False, "show_save_and_continue": False}
        return super().add_view(request, form_url, (extra_context or {}) | only_save)

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        if not member_of_staff(request).is_superuser:
            obj.user = member_of_staff(request)
        obj.secret = ApiKey.objects.assign_key(obj)
        obj.save()

    def response_add(self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None) -> HttpResponse:
        """Show the key, this once. A redirect would need a cookie or a session to carry it."""
        context = {
            **self.admin_site.each_context(request),
            "title": "API key",
            "key": obj,
            "back": open_or_home(request, self._list_address()),
            "example": request.build_absolute_uri(reverse("api:customer-list")),
        }
        return TemplateResponse(request, "crm/api_keys/made.html", context)

    # The page to revoke a key

    def get_urls(self) -> list[Any]:
        revoke = self.admin_site.admin_view(self.revoke)
        return [path("<str:prefix>/revoke/", revoke, name="crm_apikey_revoke"), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return redirect(self._list_address())  # the list shows everything about a key

    def revoke(self, request: HttpRequest, prefix: str) -> HttpResponse:
        """Ask first, and then revoke the key."""
        if not self.may_revoke(request):
            raise PermissionDenied
        key = self.get_object(request, prefix)
        if key is None:
            raise Http404
        if request.method == "POST":
            with transaction.atomic():
                if key.revoke():
                    self._log(request, key, CHANGE, "Revoked.")
            messages.success(request, f"The key “{key.name}” is revoked.")
            return redirect(self._list_address())
        context = {**self.admin_site.each_context(request), "title": "Revoke", "key": key, "back": self._list_address()}
        return TemplateResponse(request, "crm/api_keys/revoke.html", context)

    def log_addition(self, request: HttpRequest, obj: ApiKey, message: Any) -> LogEntry:
        return self._log(request, obj, ADDITION, f"Made to act for {obj.user}: {', '.join(obj.scopes)}.")

    def _log(self, request: HttpRequest, key: ApiKey, action: int, message: str) -> LogEntry:
        return LogEntry.objects.create(
            user=member_of_staff(request),
            content_type=ContentType.objects.get_for_model(ApiKey),
            object_id=key.prefix,
            object_repr=str(key)[:200],
            action_flag=action,
            change_message=message,
        )

    def _list_address(self) -> str:
        return reverse("admin:crm_apikey_changelist")

    # The list

    def get_list_display(self, request: HttpRequest) -> tuple[Any, ...]:
        return (*self.list_display, self.revoke_link) if self.may_revoke(request) else self.list_display

    @admin.display(description="Name", ordering="name")
    def label(self, key: ApiKey) -> SafeString:
        return format_html('<strong>{}</strong><br><code class="rp-quiet">{}…</code>', key.name, key.prefix)

    @admin.display(description="Acts for", ordering="user__username")
    def acts_for(self, key: ApiKey) -> str:
        return key.user.get_full_name() or key.user.username

    @admin.display(description="May")
    def may(self, key: ApiKey) -> SafeString:
        return format_html_join(SafeString("<br>"), "{}", ((scope,) for scope in key.scopes))

    @admin.display(description="From", empty_value="Anywhere")
    def addresses(self, key: ApiKey) -> SafeString | None:
        return format_html_join(SafeString("<br>"), "{}", ((each,) for each in key.allowed_addresses)) or None

    @admin.display(description="Expires", ordering="expiry_date", empty_value="Never")
    def expires(self, key: ApiKey) -> Any:
        return key.expiry_date

    @admin.display(description="Last used", ordering="last_used_at", empty_value="Not yet")
    def last_used(self, key: ApiKey) -> Any:
        return key.last_used_at

    @admin.display(description="State")
    def condition(self, key: ApiKey) -> SafeString:
        look = "" if key.state == "Active" else "rp-badge--failed"
        return format_html('<span class="rp-badge {}">{}</span>', look, key.state)

    @admin.display(description="Revoke", empty_value="")
    def revoke_link(self, key: ApiKey) -> SafeString | None:
        if key.revoked:
            return None
        address = reverse("admin:crm_apikey_revoke", args=[key.prefix])
        return format_html('<a href="{}" class="rp-link" aria-label="Revoke {}">Revoke</a>', address, key.name)

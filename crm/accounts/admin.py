"""Define the pages on which accounts of staff and their groups are managed."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as BaseGroupAdmin
from django.contrib.auth.admin import UserAdmin as BaseUserAdmin
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import ManyToManyField, Model
from django.http import HttpRequest, HttpResponse

from crm.accounts.forms import AccountForm, NewAccountForm
from crm.accounts.models import User
from crm.accounts.rights import groups_to_give, may_change_account, may_change_group, permissions_to_give
from crm.workspace.admin import WorkspaceAdmin
from crm.workspace.theme import AdminPasswordChangeForm

admin.site.unregister(Group)


class WithinOwnRights(WorkspaceAdmin):
    """Let only those change or delete an account or a group who have all of its rights themselves."""

    def within_rights(self, giver: User, obj: Any) -> bool:
        raise NotImplementedError

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        allowed: bool = super().has_change_permission(request, obj)
        return allowed and (obj is None or self.within_rights(cast(User, request.user), obj))

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        allowed: bool = super().has_delete_permission(request, obj)
        return allowed and (obj is None or self.within_rights(cast(User, request.user), obj))

    def formfield_for_manytomany(self, db_field: ManyToManyField[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        giver = cast(User, request.user)
        if db_field.name in ("permissions", "user_permissions"):
            kwargs["queryset"] = permissions_to_give(giver).select_related("content_type")
        elif db_field.name == "groups":
            kwargs["queryset"] = groups_to_give(giver)
        return super().formfield_for_manytomany(db_field, request, **kwargs)


@admin.register(Group)
class GroupAdmin(WithinOwnRights, BaseGroupAdmin):  # type: ignore[misc]  # Django writes this method's types otherwise
    def within_rights(self, giver: User, obj: Any) -> bool:
        return may_change_group(giver, obj)


@admin.register(User)
class UserAdmin(WithinOwnRights, BaseUserAdmin):  # type: ignore[type-arg]
    form = AccountForm
    add_form = NewAccountForm
    change_password_form = AdminPasswordChangeForm
    advice_before_deletion = (
        "Give each of these customers another owner, then delete the account. To end somebody's access at once, untick"
        " “Active” on the account's page instead."
    )
    list_display = ("username", "first_name", "last_name", "email", "may_log_in")
    add_fieldsets = (
        (
            None,
            {
                "classes": ("wide",),
                "fields": ("username", "is_staff", "usable_password", "password1", "password2"),
            },
        ),
    )

    def within_rights(self, giver: User, obj: Any) -> bool:
        return may_change_account(giver, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Require the right to change accounts too, without which Django refuses the form."""
        may_add: bool = super().has_add_permission(request)
        return may_add and self.has_change_permission(request)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"is_staff": True, **super().get_changeform_initial_data(request)}

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Leave out the password, and the link to change it, where the account can only be read."""
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None or self.has_change_permission(request, obj):
            return fieldsets
        return [
            (title, options | {"fields": [name for name in options["fields"] if name != "password"]})
            for title, options in fieldsets
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        return fields if cast(User, request.user).is_superuser else (*fields, "is_superuser")

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        with transaction.atomic():  # the account stays locked, so its rights cannot grow after they were checked
            return super().user_change_password(request, id, form_url)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if not self.may_log_in(obj):
            messages.warning(request, f"{obj} cannot log in. To change that, tick “May log in” and “Active”.")

    @admin.display(description="May log in", boolean=True)
    def may_log_in(self, account: User) -> bool:
        return account.is_active and account.is_staff

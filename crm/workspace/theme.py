"""Provide the theme's classes with the types of the Django classes that they extend, because Unfold has no types.

Admin pages import them from here. `PagesMixin` is the base of mixins for ModelAdmin.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin
    from django.contrib.admin import ModelAdmin as PagesMixin
    from django.contrib.auth.forms import AdminPasswordChangeForm, UserChangeForm
    from django.contrib.auth.forms import AdminUserCreationForm as UserCreationForm
    from django.forms import CheckboxSelectMultiple as Checkboxes
    from django.forms import Select, Textarea
else:
    from unfold.admin import ModelAdmin
    from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
    from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget as Checkboxes
    from unfold.widgets import UnfoldAdminSelectWidget as Select
    from unfold.widgets import UnfoldAdminTextareaWidget as Textarea

    PagesMixin = object

__all__ = [
    "AdminPasswordChangeForm",
    "Checkboxes",
    "ModelAdmin",
    "PagesMixin",
    "Select",
    "Textarea",
    "UserChangeForm",
    "UserCreationForm",
]

"""Define the forms for accounts."""

from crm.workspace.theme import UserChangeForm, UserCreationForm

LABELS = {"is_staff": "May log in", "is_superuser": "May do everything"}
HELP_TEXTS = {
    "is_staff": "Members of staff log in here. Without this the account opens no page.",
    "is_active": "Untick this when somebody leaves, instead of deleting the account.",
    "is_superuser": "The account has every permission, now and later. Only superusers can give this.",
    "groups": "The account has every permission of its groups. You can give those whose permissions you have yourself.",
    "user_permissions": "For this account alone. You can give the permissions that you have yourself.",
}


class AccountForm(UserChangeForm):  # type: ignore[type-arg]  # not generic at run time
    class Meta(UserChangeForm.Meta):
        labels = LABELS
        help_texts = HELP_TEXTS


class NewAccountForm(UserCreationForm):  # type: ignore[type-arg]
    class Meta(UserCreationForm.Meta):
        labels = LABELS
        help_texts = HELP_TEXTS

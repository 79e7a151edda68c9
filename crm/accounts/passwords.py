"""Refuse weak passwords that Django accepts."""

import re

from django.core.exceptions import ValidationError

from crm.accounts.models import User
from crm.text.normalisation import folded

LEAST_BESIDE_NAMES = 8  # characters, as many as a password without names needs
SHORTEST_NAME = 3


class NotMadeOfNamesValidator:
    """Refuse `owner2owner2` for `owner2`. Django only compares the whole password with a name."""

    def validate(self, password: str, user: User | None = None) -> None:
        """Raise ValidationError if little of the password is left without the account's names."""
        if user is None:
            return
        rest = whole = folded(password)
        for name in _names_of(user):
            rest = rest.replace(name, "")
        if rest != whole and len(rest) < LEAST_BESIDE_NAMES:
            raise ValidationError(
                "The password is little more than your name or email address. Use words that others cannot guess.",
                "made_of_names",
            )

    def get_help_text(self) -> str:
        return "Your password cannot be made of your user name, name or email address."


def _names_of(user: User) -> list[str]:
    """Return the account's names and their parts, the longest first."""
    full = map(folded, [user.username, user.first_name, user.last_name, user.email])
    names = {part for name in full for part in (name, *re.split(r"\W+", name))}
    return sorted((name for name in names if len(name) >= SHORTEST_NAME), key=len, reverse=True)

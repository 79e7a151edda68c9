from __future__ import annotations

from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q, QuerySet
from django.utils import timezone
from rest_framework_api_key.models import AbstractAPIKey, BaseAPIKeyManager

from crm.accounts.models import User

# How old `last_used_at` may be before a request saves it again.
LAST_USED_ACCURACY = timedelta(minutes=1)


class Scope(models.TextChoices):
    """What a key may do."""

    CUSTOMERS_READ = "customers:read", "Read customers and consents"
    CUSTOMERS_WRITE = "customers:write", "Write customers and consents"
    INTERACTIONS_READ = "interactions:read", "Read interactions"
    INTERACTIONS_WRITE = "interactions:write", "Write interactions"
    SNAPSHOTS_READ = "snapshots:read", "Read snapshots and download photos"
    SNAPSHOTS_WRITE = "snapshots:write", "Add photos"
    RESULTS_READ = "results:read", "Read emotion records, timelines and sentiment"
    RESULTS_WRITE = "results:write", "Correct emotion records"
    WEBHOOKS_READ = "webhooks:read", "Read webhooks and their deliveries"
    WEBHOOKS_WRITE = "webhooks:write", "Manage webhooks"


def check_scopes(values: object) -> None:
    """Raise ValidationError unless this is a list of at least one scope. A validator."""
    if not isinstance(values, list) or not values or not set(values) <= set(Scope.values):
        raise ValidationError("Choose what the key may do.")


def check_addresses(values: object) -> None:
    """Raise ValidationError unless this is a list of IP addresses and networks. A validator."""
    if not isinstance(values, list):
        raise ValidationError("Give a list of addresses.")
    for value in values:
        try:
            ip_network(value)
        except (TypeError, ValueError) as error:
            message = f"{value} is neither an IP address nor a network. Write it as 192.0.2.7 or 192.0.2.0/24."
            raise ValidationError(message) from error


class ApiKeyManager(BaseAPIKeyManager):
    def visible_to(self, user: User) -> QuerySet[ApiKey]:
        """Return the keys that act for this member of staff; all keys for superusers."""
        return self.all() if user.is_superuser else self.filter(user=user)

    def get_usable_keys(self) -> QuerySet[ApiKey]:
        """Return the keys of active members of staff that nobody revoked, expired ones too."""
        usable: QuerySet[ApiKey] = super().get_usable_keys()
        return usable.filter(user__is_active=True, user__is_staff=True).select_related("user")


class ApiKey(AbstractAPIKey):
    """A key of another system. It acts for a member of staff, and reaches what that person may see."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        related_name="api_keys",
        verbose_name="acts for",
        help_text="The key reaches the customers that this member of staff may see.",
    )
    scopes = models.JSONField("may", default=list, validators=[check_scopes])
    allowed_addresses = models.JSONField(
        default=list,
        blank=True,
        validators=[check_addresses],
        help_text="IP addresses or networks, one a line. Empty: from anywhere.",
    )
    last_used_at = models.DateTimeField("last used", null=True, editable=False)
    secret = ""  # what the other system sends; it is known only while the key is made, and not stored

    objects: ClassVar[ApiKeyManager] = ApiKeyManager()  # type: ignore[assignment]  # the library names its own

    class Meta(AbstractAPIKey.Meta):
        verbose_name = "API key"
        verbose_name_plural = "API keys"

    @property
    def state(self) -> str:
        """Say in a word or two whether the key is accepted."""
        if self.revoked:
            return "Revoked"
        if self.has_expired:
            return "Expired"
        return "Active" if self.user.is_active and self.user.is_staff else "Person inactive"

    def revoke(self) -> bool:
        """Refuse the key from now on, forever; return False if somebody revoked it before."""
        return bool(ApiKey.objects.filter(pk=self.pk, revoked=False).update(revoked=True))

    def grants(self, scope: str) -> bool:
        return scope in self.scopes

    def allows_address(self, address: str) -> bool:
        """Return whether the key may be used from this IP address."""
        try:
            client = ip_address(address)
        except ValueError:  # a server on a socket has no address
            return not self.allowed_addresses
        if mapped := getattr(client, "ipv4_mapped", None):
            client = mapped
        return not self.allowed_addresses or any(client in ip_network(each) for each in self.allowed_addresses)

    def note_use(self, now: datetime | None = None) -> None:
        """Save that the key was used just now, at most once a minute."""
        now = now or timezone.now()
        stale = Q(last_used_at=None) | Q(last_used_at__lt=now - LAST_USED_ACCURACY)
        if self.last_used_at is None or self.last_used_at < now - LAST_USED_ACCURACY:
            ApiKey.objects.filter(stale, pk=self.pk).update(last_used_at=now)

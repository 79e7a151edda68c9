from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q
from django.db.models.functions import Lower
from django.urls import reverse

from crm.accounts.models import User
from crm.privacy.deletion import LockedDeletion, LockedDeletionQuerySet
from crm.text.fields import CharField, EmailField, IdentifierField, Searchable, SearchText, TextField


class CustomerQuerySet(LockedDeletionQuerySet["Customer"]):
    def visible_to(self, user: User) -> CustomerQuerySet:
        """Return the customers whom this member of staff may see.

        Those are their own and those without an owner, or all with the permission `view_every_customer`.
        """
        if not user.is_active or not user.is_staff:
            return self.none()
        if user.has_perm("crm.view_every_customer"):
            return self.all()
        return self.filter(Q(owner=user) | Q(owner=None))


class Customer(LockedDeletion, Searchable):
    """A person whom the company serves."""

    uuid = models.UUIDField("public ID", default=uuid.uuid4, unique=True, editable=False)
    name = CharField(max_length=200)
    email = EmailField(blank=True)
    phone = CharField(max_length=40, blank=True)
    company = CharField(max_length=200, blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,  # without an owner, every member of staff would see the customer
        null=True,
        blank=True,
        related_name="customers",
        help_text="The member of staff who looks after this customer.",
    )
    notes = TextField(blank=True)
    source = IdentifierField(max_length=50, blank=True, help_text="The system the external ID belongs to.")
    external_id = IdentifierField("external ID", max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    search_text = SearchText("name", "email", "phone", "company", "external_id")

    objects = CustomerQuerySet.as_manager()

    class Meta:
        ordering = ("name", "pk")
        permissions = (("view_every_customer", "Can see the customers of every owner"),)
        indexes = (
            models.Index(fields=["name", "id"]),
            # The orders in which other systems read customers.
            models.Index(fields=["created_at", "id"], name="customer_by_creation"),
            models.Index(fields=["updated_at", "id"], name="customer_by_change"),
            # The filters for exact values. Most rows may leave these fields empty.
            models.Index(fields=["company", "id"], condition=~Q(company=""), name="customer_of_company"),
            models.Index(Lower("email"), "id", name="customer_of_email"),
            models.Index(fields=["phone", "id"], condition=~Q(phone=""), name="customer_of_phone"),
            models.Index(fields=["external_id", "id"], condition=~Q(external_id=""), name="customer_of_external_id"),
        )
        constraints = (
            models.UniqueConstraint(
                fields=["source", "external_id"],
                condition=~Q(external_id=""),
                name="customer_external_id_unique_per_source",
                violation_error_message="Another customer of this source has this external ID.",
            ),
        )

    def __str__(self) -> str:
        return str(self.name)

    @transaction.atomic
    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save the customer in one transaction with the messages of its webhooks."""
        super().save(*args, **kwargs)

    def get_absolute_url(self) -> str:
        """Return the path of the customer's page."""
        return reverse(settings.CUSTOMER_PAGE, args=[self.uuid])

    def is_visible_to(self, user: User) -> bool:
        """Return whether `visible_to` would include this customer."""
        if not user.is_active or not user.is_staff:
            return False
        return self.owner_id in (None, user.pk) or user.has_perm("crm.view_every_customer")

"""Writes that touch several rows or have side effects."""

from django.conf import settings
from django.db import transaction

from crm.models import Consent, Customer, User
from crm.signals import consent_recorded


@transaction.atomic
def record_consent(
    customer: Customer,
    *,
    granted: bool,
    obtained_by: str,
    recorded_by: User | None,
    scope: str = Consent.Scope.EMOTION_ANALYSIS,
) -> Consent:
    """Append to the customer's consent history.

    Locks the customer's row, so that nobody stores a result between the check of the consent and its
    withdrawal.
    """
    Customer.objects.select_for_update().get(pk=customer.pk)
    consent = Consent.objects.create(
        customer=customer,
        scope=scope,
        granted=granted,
        notice_version=settings.CONSENT_NOTICE_VERSION,
        obtained_by=obtained_by,
        recorded_by=recorded_by,
    )
    consent_recorded.send(Consent, consent=consent)
    return consent

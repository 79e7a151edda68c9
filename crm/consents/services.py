"""Record what a customer agreed to."""

from django.conf import settings
from django.db import transaction

from crm.accounts.models import User
from crm.consents.models import Consent
from crm.customers.models import Customer
from crm.signals import consent_recorded


class AnalysisConsentMissing(ValueError):
    """Photos may be used for training only while the customer agrees to photos and their analysis."""

    def __init__(self) -> None:
        super().__init__("The customer has not agreed to photos and their analysis. Record that consent first.")


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
    withdrawal. Raises AnalysisConsentMissing.
    """
    check_consent(customer, granted=granted, scope=scope)
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


def check_consent(customer: Customer, *, granted: bool, scope: str) -> None:
    """Lock the customer's row, and raise AnalysisConsentMissing unless this consent may be recorded now.

    Call it in the transaction that records the consent.
    """
    Customer.objects.select_for_update().get(pk=customer.pk)
    needs_analysis = granted and scope == Consent.Scope.MODEL_TRAINING
    if needs_analysis and not Consent.objects.stands_for(customer, Consent.Scope.EMOTION_ANALYSIS):
        raise AnalysisConsentMissing

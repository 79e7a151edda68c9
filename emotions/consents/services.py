"""End what a customer's consent no longer covers."""

from crm.consents.services import record_consent
from crm.models import Consent, Customer
from emotions.outcomes.causes import Cause
from emotions.outcomes.services import outcome_changed
from emotions.snapshots.models import Snapshot


def withhold_unfinished(customer: Customer) -> None:
    """End the analysis of every unfinished photo of a customer who has withdrawn the consent.

    Call it in the transaction of the withdrawal. A worker that is analysing such a photo finds its claim gone, and
    stores nothing.
    """
    withheld = list(Snapshot.objects.select_for_update(of=("self",)).unfinished().filter(customer=customer))
    for snapshot in withheld:
        snapshot.withhold()
    outcome_changed([snapshot.pk for snapshot in withheld], Cause.CONSENT_WITHDRAWN)


def withdraw_training(withdrawal: Consent) -> None:
    """Withdraw the use of the photos for training together with the consent to photos.

    A customer who agrees to photos again is asked about training again.
    """
    customer, scope = withdrawal.customer, Consent.Scope.MODEL_TRAINING
    if Consent.objects.stands_for(customer, scope):
        record_consent(
            customer,
            granted=False,
            obtained_by=withdrawal.obtained_by,
            recorded_by=withdrawal.recorded_by,
            scope=scope,
        )

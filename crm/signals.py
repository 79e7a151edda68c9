"""What other apps may want to hear of the CRM, which knows none of them."""

from django.dispatch import Signal

# Sent inside the transaction that wrote the entry. Arguments: consent.
consent_recorded = Signal()

"""Define signals for other apps, which the CRM does not know."""

from django.dispatch import Signal

# Sent inside the transaction that wrote the entry. Arguments: consent.
consent_recorded = Signal()

# Sent inside the transaction of a deletion, when the rows are locked and Django has not yet looked up what belongs to
# them. The sender is the rows' model. Arguments: pks.
deletion_begins = Signal()

# Sent next, when what belongs to the rows is locked too. The same sender and arguments.
deletion_locked = Signal()

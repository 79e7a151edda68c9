"""What other apps may want to hear of the CRM, which knows none of them."""

from django.dispatch import Signal

# Sent inside the transaction that wrote the entry. Arguments: consent.
consent_recorded = Signal()

# Sent inside the deletion's transaction, with the rows locked, before it is looked up what belongs to them. The sender
# is their model. Arguments: pks.
deletion_begins = Signal()

# Sent after that, when what belongs to the rows is locked too. The same sender and arguments.
deletion_locked = Signal()

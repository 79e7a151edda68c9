"""What happens to snapshots, for those who tell others of it."""

from django.dispatch import Signal

# Sent inside the transaction that wrote a final status. Arguments: snapshot_ids; cause, which is "analysis", or
# "reanalysis" when the snapshot had a final status before.
snapshots_finished = Signal()

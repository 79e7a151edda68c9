"""Register photos and re-analyses as kinds of work (jobs/kinds.py)."""

from django.urls import reverse

from crm.models import User
from emotions.analysis.metrics import count_given_up
from emotions.analysis.tasks import PHOTOS
from emotions.outcomes.services import fail
from emotions.reanalyses.models import Reanalysis
from emotions.reanalyses.services import stop
from emotions.reanalyses.tasks import REANALYSES
from emotions.snapshots.models import Snapshot, SnapshotQuerySet
from emotions.uploads.services import ConsentMissing, retry
from jobs import kinds


def register() -> None:
    kinds.register(
        Snapshot,
        title="Photo analyses",
        singular="Photo",
        related=("customer",),
        line=PHOTOS,
        started_by="interaction__staff",
        address=_photo_page,
        retry=_retry,
        fail=_give_up,
    )
    kinds.register(
        Reanalysis,
        title="Re-analyses",
        singular="Re-analysis",
        line=REANALYSES,
        address=_run_page,
        cancel=stop,
    )


def _give_up(snapshots: SnapshotQuerySet, error: str) -> int:
    failed = fail(snapshots, error)
    count_given_up(failed)
    return failed


def _photo_page(snapshot: Snapshot, person: User) -> str:
    customer = snapshot.customer
    if customer.owner_id not in (None, person.pk) and not person.has_perm("crm.view_every_customer"):
        return ""
    return reverse("emotions:timeline", args=[snapshot.customer.uuid])


def _run_page(run: Reanalysis, person: User) -> str:
    return reverse("emotions:reanalysis", args=[run.uuid]) if person.has_perm("emotions.manage_models") else ""


def _retry(snapshot: Snapshot) -> bool:
    try:
        return retry(snapshot)
    except ConsentMissing:
        return False

"""Clean up after the API in Celery. Each task may run twice."""

from celery import shared_task

from crm.api.models import IdempotentRequest
from crm.privacy.write_ahead_log import empty_write_ahead_log


@shared_task
def forget_old_requests() -> None:
    """Delete kept answers that are too old to be sent again (crm/api/idempotency.py)."""
    IdempotentRequest.objects.forget_old()
    empty_write_ahead_log()

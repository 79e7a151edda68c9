"""List the tasks of the CRM, for Celery."""

from crm.api.tasks import forget_old_requests
from crm.webhooks.tasks import deliver_webhooks, forget_old_messages

__all__ = ["deliver_webhooks", "forget_old_messages", "forget_old_requests"]

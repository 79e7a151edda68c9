"""The CRM, and the Django project itself."""

from crm.celery import app as celery_app

__all__ = ["celery_app"]

from django.apps import AppConfig

import crm.celery  # noqa: F401  # the application that tasks of this process belong to


class CrmConfig(AppConfig):
    name = "crm"
    verbose_name = "Customers"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from crm import forgetting, heartbeat
        from crm.webhooks import signal_handlers

        signal_handlers.connect()
        forgetting.connect()
        heartbeat.connect()

from django.apps import AppConfig


class CrmConfig(AppConfig):
    name = "crm"
    verbose_name = "Customers"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from crm.privacy import forgetting
        from crm.webhooks import signal_handlers

        signal_handlers.connect()
        forgetting.connect()

from django.apps import AppConfig


class CrmConfig(AppConfig):
    name = "crm"
    verbose_name = "Customers"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from crm.api import signal_handlers as api
        from crm.interactions import signal_handlers as interactions
        from crm.webhooks import jobs as deliveries
        from crm.webhooks import signal_handlers as webhooks

        deliveries.register()
        api.connect()
        webhooks.connect()
        interactions.connect()

from django.apps import AppConfig


class EmotionsConfig(AppConfig):
    name = "emotions"
    verbose_name = "Emotions"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from emotions import signal_handlers

        signal_handlers.connect()

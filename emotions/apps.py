from django.apps import AppConfig


class EmotionsConfig(AppConfig):
    name = "emotions"
    verbose_name = "Emotions"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from emotions import jobs, signal_handlers

        jobs.register()
        signal_handlers.connect()

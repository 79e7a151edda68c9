from django.apps import AppConfig

import jobs.celery  # noqa: F401  # This makes it the current Celery application.


class JobsConfig(AppConfig):
    name = "jobs"
    verbose_name = "Jobs"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from jobs.health import heartbeat

        heartbeat.connect()

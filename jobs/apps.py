from django.apps import AppConfig

import jobs.celery  # noqa: F401  # the application that tasks of this process belong to


class JobsConfig(AppConfig):
    name = "jobs"
    verbose_name = "Jobs"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from jobs.health import heartbeat

        heartbeat.connect()

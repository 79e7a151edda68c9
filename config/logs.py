"""Configure the log. config.settings imports this module, so it needs no settings."""

import logging
from typing import Any

HEARTBEAT = "jobs.tasks.heartbeat"


class NoHeartbeats(logging.Filter):
    """Drop Celery's lines about heartbeats, which would bury the rest of the log."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not (isinstance(record.args, dict) and record.args.get("name") == HEARTBEAT)


def logging_configuration(log_format: str, log_level: str) -> dict[str, Any]:
    """Return Django's LOGGING for the format "plain" or "json"."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"no_heartbeats": {"()": "config.logs.NoHeartbeats"}},
        "formatters": {
            "plain": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"},
            "json": {
                "()": "pythonjsonlogger.json.JsonFormatter",
                "fmt": ["levelname", "name", "message"],
                "rename_fields": {"levelname": "level", "name": "logger"},
                "timestamp": "time",
            },
        },
        "handlers": {
            "console": {
                "class": "logging.StreamHandler",
                "formatter": log_format,
                # Containers' logs are read from standard output.
                "stream": f"ext://sys.{'stdout' if log_format == 'json' else 'stderr'}",
            }
        },
        "root": {"handlers": ["console"], "level": log_level},
        "loggers": {name: {"filters": ["no_heartbeats"]} for name in ("celery.app.trace", "celery.worker.strategy")},
    }

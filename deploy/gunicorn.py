"""Configure gunicorn in containers. nginx in front of it receives slow uploads and writes the access log."""

import os

from config.settings import LOGGING

bind = "0.0.0.0:8000"
workers = int(os.environ.get("WEB_PROCESSES", "2"))
worker_class = "gthread"
threads = 4  # API_MAX_WAITING of them may wait for results (emotions/uploads/api/waiting.py)
timeout = 60
graceful_timeout = 60
worker_tmp_dir = "/dev/shm"  # noqa: S108 - on a busy disk, heartbeats would be late and workers seem hung
control_socket_disable = True
logconfig_dict = {
    **LOGGING,
    "loggers": {**LOGGING.get("loggers", {}), "gunicorn.error": {"handlers": ["console"], "level": "INFO"}},
}

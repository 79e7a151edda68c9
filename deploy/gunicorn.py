"""gunicorn's settings in containers. nginx stands before it, takes slow uploads in, and writes the access log."""

import os

from config.settings import LOGGING

bind = "0.0.0.0:8000"
workers = int(os.environ.get("WEB_PROCESSES", "2"))
worker_class = "gthread"
threads = 4  # of which API_MAX_WAITING may wait for results (emotions/uploads/api/waiting.py)
timeout = 60
graceful_timeout = 60
worker_tmp_dir = "/dev/shm"  # noqa: S108 - heartbeats in memory, as a busy disk would make workers look hung
control_socket_disable = True
logconfig_dict = {
    **LOGGING,
    "loggers": {**LOGGING.get("loggers", {}), "gunicorn.error": {"handlers": ["console"], "level": "INFO"}},
}

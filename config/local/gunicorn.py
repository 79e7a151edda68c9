"""Configure gunicorn for `make run`."""

import os
from typing import Any

bind = f"127.0.0.1:{os.environ.get('PORT', '8000')}"
workers = 1
threads = 4  # of which API_MAX_WAITING may wait for results (emotions/uploads/api/waiting.py)
loglevel = "warning"


def when_ready(server: Any) -> None:
    print(f"Rapport runs at http://{bind}/ (Ctrl-C ends it)", flush=True)

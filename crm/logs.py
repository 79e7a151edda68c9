"""What is kept out of the log."""

import logging

HEARTBEAT = "crm.tasks.heartbeat"


class NoHeartbeats(logging.Filter):
    """Celery tells of each task; that nothing was done every few seconds would bury the rest."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not (isinstance(record.args, dict) and record.args.get("name") == HEARTBEAT)

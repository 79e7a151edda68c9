"""Run the whole program on this machine, with its own PostgreSQL and Redis, and delete everything afterwards."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ml.registry import DEFAULT_MODEL
from tests.support import servers

if TYPE_CHECKING:
    from bench.uploads import Uploads
    from tests.support.deployment import Deployment

CUSTOMERS = 20  # several, because uploads for one customer wait for each other


@contextmanager
def deployed() -> Iterator["Deployment"]:
    """Start PostgreSQL and Redis, and set up Django in this process. The caller starts web processes and workers."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rapport-bench-")))
        environment = {
            "VAR_DIR": str(folder / "var"),
            "DATABASE_URL": stack.enter_context(servers.postgres()).url,
            "CELERY_BROKER_URL": stack.enter_context(servers.redis_server()).url,
            "EMOTION_MODEL": DEFAULT_MODEL,
            "LOG_LEVEL": "WARNING",
            "API_RATE": "1000000/second",
            # Production has these limits, too. Those of the tests are too short for a bench.
            "ANALYSIS_TIME_LIMIT": "60",
            "ANALYSIS_LEASE": "90",
            "BROKER_VISIBILITY_TIMEOUT": "600",
            "SWEEP_INTERVAL": "10",
        }
        os.environ.update(environment, DJANGO_SETTINGS_MODULE="config.settings")

        import django

        django.setup()
        from django.core.management import call_command

        from tests.support.deployment import Deployment

        call_command("migrate", verbosity=0)
        deployment = Deployment(folder, **environment)
        try:
            yield deployment
        finally:
            deployment.end()


def another_system(address: str, photo: Callable[[int], bytes]) -> "Uploads":
    """Return a client with an API key that sends photos of customers who agreed to it. Needs Django set up."""
    from bench.uploads import Uploads
    from tests.support.api import make_key
    from tests.support.factories import InteractionFactory, UserFactory

    user = UserFactory(is_superuser=True)
    interactions = [str(InteractionFactory(staff=user).uuid) for _ in range(CUSTOMERS)]
    return Uploads(address, make_key(user)[1], interactions, photo)

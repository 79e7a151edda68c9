"""Run a real PgBouncer in transaction mode: many clients share few connections to PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import unquote, urlsplit

import psycopg

from tests.support.ports import own_port
from tests.support.servers import account, private_folder, require, running
from tests.support.waiting import wait_until

POOL = 2  # connections to PostgreSQL


@contextmanager
def pgbouncer(postgres: str) -> Iterator[str]:
    """Run PgBouncer in front of the PostgreSQL at this DATABASE_URL. Yield the URL that leads through it."""
    program, server = require("pgbouncer", "pgbouncer"), unquote(urlsplit(postgres).hostname or "")
    with private_folder("rapport-pgbouncer-") as folder, own_port() as port:
        settings = {
            "listen_addr": "127.0.0.1",
            "listen_port": port,
            "unix_socket_dir": "",
            "auth_type": "any",
            "pool_mode": "transaction",
            "default_pool_size": POOL,
        }
        lines = ["[databases]", f"* = host={server} user=rapport", "[pgbouncer]"]
        configuration = folder / "pgbouncer.ini"
        configuration.write_text("\n".join([*lines, *(f"{name} = {value}" for name, value in settings.items())]))
        configuration.chmod(0o644)
        with running([program, str(configuration)], folder / "log", cwd="/", **account()) as process:
            wait_until(lambda: process.poll() is not None or _answers(port), "PgBouncer answers")
            yield f"postgres://rapport@127.0.0.1:{port}/postgres"


def _answers(port: int) -> bool:
    try:
        psycopg.connect(host="127.0.0.1", port=port, user="rapport", dbname="postgres").close()
    except psycopg.OperationalError:
        return False
    return True

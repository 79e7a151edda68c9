"""Fixtures for everything: real servers, and per test a folder for photos and a queue of its own.

Tests that use the database run on PostgreSQL. TEST_DATABASE=sqlite keeps them on SQLite, as does a machine
without PostgreSQL.

With pytest-xdist (`pytest -n 2 --dist loadgroup`) each process imports this anew, and so has servers of its own.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from tests.support import servers
from tests.support.broker import Queue
from tests.support.databases import on_sqlite, use_database
from tests.support.ports import own_port
from tests.support.receiver import Receiver
from tests.support.small_model import small_classifier, write_model

DATABASES = {"db", "transactional_db", "django_db_reset_sequences", "django_db_serialized_rollback"}
TRAINING = Path(__file__).parent / "training"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "integration: several real processes work together; takes seconds")
    config.addinivalue_line("markers", "database: set on every test that may use the database")


@pytest.hookimpl(tryfirst=True)  # before -m selects
def pytest_collection_modifyitems(items: list[pytest.Function]) -> None:
    """Mark what may use a database, which pytest-django refuses to all others, and what shares costly fixtures."""
    for item in items:
        if item.get_closest_marker("django_db") or DATABASES & set(item.fixturenames):
            item.add_marker(pytest.mark.database)
        if TRAINING in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("training"))  # a few trained networks


def pytest_report_header() -> str:
    if not on_sqlite():
        return "database: PostgreSQL"
    why = "" if servers.installed("postgres") else ", because PostgreSQL is not installed (Debian package: postgresql)"
    return f"database: SQLite{why}"


@pytest.fixture(scope="session")
def shared_postgres() -> Iterator[servers.PostgresServer]:
    with servers.postgres() as server:
        yield server


@pytest.fixture(scope="session")
def postgres(shared_postgres: servers.PostgresServer) -> str:
    """The DATABASE_URL of a running PostgreSQL."""
    return shared_postgres.url


@pytest.fixture(scope="session")
def shared_redis() -> Iterator[servers.RedisServer]:
    with servers.redis_server() as server:
        yield server


@pytest.fixture
def redis_server(shared_redis: servers.RedisServer) -> Iterator[servers.RedisServer]:
    """A running, empty Redis; the test may stop and start it."""
    shared_redis.start()
    shared_redis.client.flushall()
    yield shared_redis
    shared_redis.start()


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of released models with one, "reference-cnn", whose weights are random but fixed."""
    models = tmp_path_factory.mktemp("models")
    write_model(models / "reference-cnn", small_classifier())
    return models


@pytest.fixture(scope="session")
def django_db_modify_db_settings(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> None:
    if on_sqlite():
        file = tmp_path_factory.mktemp("database") / "test.sqlite3"  # a file, as several processes share it
        use_database(f"sqlite:///{file}", test_name=str(file))
    else:
        use_database(request.getfixturevalue("postgres"))


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> Path:
    """The folder of the test's photos."""
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path / "media"


@pytest.fixture(autouse=True)
def request_counts(settings: Settings, tmp_path: Path) -> None:
    """The test's own counts of requests."""
    default = settings.CACHES["default"]
    settings.CACHES = settings.CACHES | {"default": default | {"LOCATION": str(tmp_path / "cache")}}


@pytest.fixture(autouse=True)
def queue(tmp_path: Path) -> Queue:
    """The test's own queue of tasks; no worker listens to it."""
    return Queue(tmp_path / "queue")


@pytest.fixture
def released_model(settings: Settings, model_folder: Path) -> None:
    """Analyse in this process, with the small model."""
    settings.MODELS_DIR = model_folder


@pytest.fixture
def free_port() -> Iterator[int]:
    """For a server that the test starts."""
    with own_port() as port:
        yield port


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    """Another system, which webhooks may reach because the operator allows its host by name."""
    settings.WEBHOOK_ALLOWED_HOSTS = ["127.0.0.1"]
    with own_port() as port:
        receiver = Receiver(port)
        yield receiver
        receiver.stop()

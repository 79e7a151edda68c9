"""Provide fixtures for all tests: real servers, and a folder for photos and a queue for each test.

Tests that use the database run on PostgreSQL. They run on SQLite if TEST_DATABASE=sqlite is set, or if the machine
has no PostgreSQL.

With pytest-xdist (`pytest -n 2 --dist loadgroup`), each process imports this module and has its own servers.
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


@pytest.hookimpl(tryfirst=True)  # the marks must be set before `-m` selects tests
def pytest_collection_modifyitems(items: list[pytest.Function]) -> None:
    """Mark tests that may use a database, which others are refused, and group those that share costly fixtures."""
    for item in items:
        if item.get_closest_marker("django_db") or DATABASES & set(item.fixturenames):
            item.add_marker(pytest.mark.database)
        if TRAINING in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("training"))  # these share a few trained networks


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
    """Return the DATABASE_URL of a running PostgreSQL."""
    return shared_postgres.url


@pytest.fixture(scope="session")
def shared_redis() -> Iterator[servers.RedisServer]:
    with servers.redis_server() as server:
        yield server


@pytest.fixture
def redis_server(shared_redis: servers.RedisServer) -> Iterator[servers.RedisServer]:
    """Return a running, empty Redis, which the test may stop and start again."""
    shared_redis.start()
    shared_redis.client.flushall()
    yield shared_redis
    shared_redis.start()


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with one released model, "reference-cnn", whose weights are random but fixed."""
    models = tmp_path_factory.mktemp("models")
    write_model(models / "reference-cnn", small_classifier())
    return models


@pytest.fixture(scope="session")
def django_db_modify_db_settings(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> None:
    if on_sqlite():
        # Several processes share it, so it cannot be in memory.
        file = tmp_path_factory.mktemp("database") / "test.sqlite3"
        use_database(f"sqlite:///{file}", test_name=str(file))
    else:
        use_database(request.getfixturevalue("postgres"))


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> Path:
    """Return the folder of the test's photos."""
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path / "media"


@pytest.fixture(autouse=True)
def request_counts(settings: Settings, tmp_path: Path) -> None:
    """Give the test its own counts of requests."""
    default = settings.CACHES["default"]
    settings.CACHES = settings.CACHES | {"default": default | {"LOCATION": str(tmp_path / "cache")}}


@pytest.fixture(autouse=True)
def queue(tmp_path: Path) -> Queue:
    """Return the test's own task queue. No worker listens to it."""
    return Queue(tmp_path / "queue")


@pytest.fixture
def released_model(settings: Settings, model_folder: Path) -> None:
    """Let this process analyse photos, with the small model."""
    settings.MODELS_DIR = model_folder


@pytest.fixture
def free_port() -> Iterator[int]:
    """Return a free port for a server that the test starts."""
    with own_port() as port:
        yield port


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    """Return another system that receives webhooks. The operator has allowed its host by name."""
    settings.WEBHOOK_ALLOWED_HOSTS = ["127.0.0.1"]
    with own_port() as port:
        receiver = Receiver(port)
        yield receiver
        receiver.stop()

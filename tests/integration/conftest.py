from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from tests.support.broker import Queue, use_redis
from tests.support.bucket import Bucket
from tests.support.databases import on_sqlite
from tests.support.deployment import Deployment, database_url


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.integration)
    # Run the longest test first, so that no pytest-xdist process waits for another at the end.
    items.sort(key=lambda item: item.path.name != "test_nothing_lost.py")


@pytest.fixture(params=["redis", "files"])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the address of a broker, and send this process's tasks there too."""
    if request.param == "files":
        Queue(tmp_path / "var" / "queue").listen()
        return "filesystem://"
    url: str = request.getfixturevalue("redis_server").url
    use_redis(url)
    return url


@pytest.fixture
def deployment(
    request: pytest.FixtureRequest,
    transactional_db: None,
    broker: str,
    model_folder: Path,
    media: Path,
    tmp_path: Path,
) -> Iterator[Deployment]:
    """Return a deployment that runs nothing yet. Programs that the test starts are ended after it."""
    deployment = Deployment(
        tmp_path,
        VAR_DIR=str(tmp_path / "var"),
        MEDIA_ROOT=str(media),
        MODELS_DIR=str(model_folder),
        DATABASE_URL=database_url(None if on_sqlite() else request.getfixturevalue("postgres")),
        CELERY_BROKER_URL=broker,
    )
    yield deployment
    deployment.end()
    deployment.tell()


@pytest.fixture
def bucket(deployment: Deployment, settings: Settings, free_port: int, tmp_path: Path) -> Iterator[Bucket]:
    """Let this process and all programs that the test starts keep photos in a bucket instead of a folder."""
    bucket = Bucket(tmp_path / "objects", free_port)
    bucket.start()
    deployment.environment |= bucket.environment | {"ANALYSIS_TIME_LIMIT": "30", "ANALYSIS_LEASE": "40"}
    for name, value in bucket.environment.items():
        setattr(settings, name, value)
    settings.STORAGES = settings.STORAGES | {"default": {"BACKEND": "emotions.snapshots.object_storage.ObjectStorage"}}
    yield bucket
    bucket.stop()

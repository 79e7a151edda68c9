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
    # The longest first, so that in the end no process of pytest-xdist waits for another.
    items.sort(key=lambda item: item.path.name != "test_nothing_lost.py")


@pytest.fixture(params=["redis", "files"])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a broker; this process sends its tasks there too."""
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
    """Nothing runs yet; what the test starts is ended after it."""
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
    """Where this process and all that the test starts keep the photos, instead of in a folder."""
    bucket = Bucket(tmp_path / "objects", free_port)
    bucket.start()
    deployment.environment |= bucket.environment | {"ANALYSIS_TIME_LIMIT": "30", "ANALYSIS_LEASE": "40"}
    for name, value in bucket.environment.items():
        setattr(settings, name, value)
    settings.STORAGES = settings.STORAGES | {"default": {"BACKEND": "emotions.snapshots.object_storage.ObjectStorage"}}
    yield bucket
    bucket.stop()

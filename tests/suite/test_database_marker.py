"""Check that only tests with the marker reach a database, as `-m database` selects what runs on each one."""

import pytest

from crm.models import Customer


def marked(request: pytest.FixtureRequest) -> bool:
    return request.node.get_closest_marker("database") is not None


def test_a_test_without_the_marker_is_refused_the_database(request: pytest.FixtureRequest) -> None:
    assert not marked(request)
    with pytest.raises(RuntimeError, match="Database access not allowed"):
        Customer.objects.count()


@pytest.mark.django_db
def test_whoever_asks_by_marker_is_marked(request: pytest.FixtureRequest) -> None:
    assert marked(request)
    assert Customer.objects.count() == 0


@pytest.mark.usefixtures("transactional_db")
def test_whoever_asks_by_fixture_is_marked(request: pytest.FixtureRequest) -> None:
    assert marked(request)
    assert Customer.objects.count() == 0

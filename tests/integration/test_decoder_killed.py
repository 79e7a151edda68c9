"""Kill the processes that decode photos: the photos are not blamed, and are read once the killing ends."""

import pytest
import requests

from crm.models import Interaction
from emotions.models import Snapshot
from emotions.snapshots.models import GIVEN_UP
from emotions.uploads.services import add_snapshot
from tests.support.api import make_key
from tests.support.decoders import Killer, slow_photo
from tests.support.deployment import Deployment
from tests.support.factories import CustomerFactory, InteractionFactory, UserFactory, checked
from tests.support.waiting import wait_until

pytestmark = pytest.mark.parametrize("broker", ["files"], indirect=True)


def test_the_web_asks_to_come_again(deployment: Deployment) -> None:
    site = deployment.web(processes=1)
    secret = make_key(UserFactory())[1]
    customer = CustomerFactory()

    def upload() -> requests.Response:
        return requests.post(
            f"{site}/api/v1/snapshots",
            data={"customer": str(customer.uuid), "kind": "visit"},
            files={"photos": ("slow.jpg", slow_photo())},
            headers={"Authorization": f"Bearer {secret}", "Idempotency-Key": "visit"},
            timeout=60,
        )

    with Killer(deployment.gunicorn.pid) as killer:
        answer = upload()
    assert (answer.status_code, answer.json()["code"]) == (503, "decoder_unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert len(killer.killed) == 2
    assert not Interaction.objects.exists()
    with Killer(deployment.gunicorn.pid, most=1) as killer:
        answer = upload()
        assert answer.status_code == 202, answer.text
    assert len(killer.killed) == 1
    assert Snapshot.objects.count() == 1


@pytest.mark.parametrize(
    ("kills", "attempts", "status", "error"),
    [(1, 1, "no_face", ""), (3, 2, "no_face", ""), (1000, 3, "failed", GIVEN_UP)],
)
def test_a_worker_tries_again_and_gives_up_without_blaming_the_photo(
    deployment: Deployment, kills: int, attempts: int, status: str, error: str
) -> None:
    worker = deployment.worker(ANALYSIS_TIME_LIMIT="40", ANALYSIS_LEASE="50")
    deployment.beat()
    with Killer(worker.pid, most=kills):
        snapshot = add_snapshot(InteractionFactory(), checked(slow_photo()))
        wait_until(lambda: Snapshot.objects.exclude(status__in=Snapshot.UNFINISHED).exists(), "it is finished")
    snapshot.refresh_from_db()
    assert (snapshot.status, snapshot.attempts, snapshot.error) == (status, attempts, error)

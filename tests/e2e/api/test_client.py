"""Generate a client from docs/openapi.yaml, as an integrator would, and play the whole story with it."""

import importlib
import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.api import Access
from tests.support.factories import face_photo
from tests.support.receiver import Receiver
from tests.support.site import Site
from tests.support.waiting import wait_until

SCHEMA = Path(__file__).parents[3] / "docs" / "openapi.yaml"
PACKAGE = "generated_rapport_client"


@pytest.fixture
def generated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """Return modules of the generated client by their names."""
    command = ["openapi-python-client", "generate", "--path", str(SCHEMA), "--meta", "none", "--output-path"]
    program = Path(sys.executable).parent / command[0]
    done = subprocess.run([program, *command[1:], str(tmp_path / PACKAGE)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    monkeypatch.syspath_prepend(tmp_path)
    return lambda name: importlib.import_module(f"{PACKAGE}.{name}" if name else PACKAGE)


def test_the_whole_story(site: Site, access: Access, receiver: Receiver, generated: Callable[[str], Any]) -> None:
    site.start_worker()
    models, types = generated("models"), generated("types")
    client = generated("").AuthenticatedClient(base_url=site.address, token=access.key, timeout=60)

    def call(operation: str, *args: Any, **kwargs: Any) -> Any:
        answer = generated(f"api.{operation}").sync(*args, client=client, **kwargs)
        assert not isinstance(answer, models.Problem), answer
        return answer

    events = [models.EventsEnum("snapshot.analysed"), models.EventsEnum("customer.created")]
    hook = call("webhooks.webhooks_create", body=models.NewWebhookRequest(url=receiver.url, events=events))
    customer = call(
        "customers.customers_by_external_id_update", "erp", "7", body=models.CustomerRequest(name="A. Customer")
    )
    photo = types.File(payload=io.BytesIO(face_photo()), file_name="IMG_1.JPG", mime_type="image/jpeg")
    upload = models.UploadWithInteractionRequest(
        photos=[photo], customer=customer.id, consent_obtained_by=models.ConsentObtainedBy.WRITTEN
    )
    snapshot = call("snapshots.snapshots_create", body=upload, wait=10)
    wait_until(
        lambda: call("snapshots.snapshots_retrieve", snapshot.id, wait=10).status == "analysed", "it is analysed"
    )

    entries = call("customers.customers_timeline", customer.id).results
    assert [entry.type_ for entry in entries] == ["snapshot", "interaction"]
    record = entries[0].snapshot.result
    assert abs(sum(record.scores.to_dict().values()) - 1) < 1e-3
    assert call("records.records_list", snapshot=snapshot.id).results[0].id == record.id
    assert call("customers.customers_sentiment", customer.id).total.counted + record.emotion.count("uncertain") == 1

    wait_until(lambda: len(receiver.received) == 2, "both webhooks arrive")
    told = {message["type"]: message["data"] for message in (each.verify(hook.secret) for each in receiver.received)}
    assert told["customer.created"]["customer"]["external_id"] == "7"
    assert told["snapshot.analysed"]["snapshot"]["id"] == str(snapshot.id)

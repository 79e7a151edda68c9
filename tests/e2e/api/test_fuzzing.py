"""Send generated requests, valid and invalid, to every operation of the schema on the real site.

The last phase follows the schema's links: from what a request created or found to what can be done with it.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.api import Access
from tests.support.factories import EmotionCorrectionFactory, SnapshotFactory, face_photo, faceless_photo
from tests.support.site import Site
from tests.support.webhooks import WebhookEndpointFactory

ROOT = Path(__file__).parents[3]
CONFIGURATION = ROOT / "tests/e2e/api/schemathesis.toml"
# The number of examples for each operation. `make fuzz-api` sets more.
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "3"))
# Each example follows the links from request to request; fewer would not reach everything that can be created.
FOLLOWED = f"""
[phases.stateful]
max-steps = 8
generation.max-examples = {max(EXAMPLES, 25)}
"""


@pytest.fixture
def rows(access: Access) -> None:
    """Create the rows that exist before the first request. Nobody is told, as the webhook's host has no address."""
    WebhookEndpointFactory(owner=access.user, url="https://nowhere.invalid/hook")
    EmotionCorrectionFactory()
    for status in ("no_face", "failed", "withheld"):
        SnapshotFactory(**{status: True})


@pytest.mark.timeout(0)  # its duration depends on the number of examples
def test_no_request_breaks_the_api(site: Site, access: Access, rows: None, tmp_path: Path) -> None:
    site.start_worker()
    for name, photo in (("face", face_photo()), ("landscape", faceless_photo())):
        (tmp_path / f"{name}.jpg").write_bytes(photo)
    configuration = tmp_path / "schemathesis.toml"
    configuration.write_text(CONFIGURATION.read_text() + FOLLOWED)
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(configuration)),
        *("run", f"{access.address}/schema", "--max-examples", str(EXAMPLES), "--no-color"),
        *("--suppress-health-check", "too_slow"),  # the machine may be busy, which is no fault of the schema
        *("--header", f"Authorization: Bearer {access.key}", "--output-sanitize", "true"),
    ]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "SCHEMATHESIS_HOOKS": "tests.support.photos_to_send"}
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    print(run.stdout)
    assert run.returncode == 0, run.stdout + run.stderr

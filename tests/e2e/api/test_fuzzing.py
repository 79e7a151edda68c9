"""Every operation of the schema, with generated requests, right and wrong ones, against the real site.

Its last phase follows the schema's links, from what a request made or found to what can be done with it.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.api.conftest import Access
from tests.e2e.site import Site
from tests.factories import EmotionCorrectionFactory, SnapshotFactory, face_photo, faceless_photo

ROOT = Path(__file__).parents[3]
# Of each operation. `make fuzz-api` sets more.
EXAMPLES = os.environ.get("FUZZ_EXAMPLES", "3")


@pytest.fixture
def rows() -> None:
    """What there is before the first request."""
    EmotionCorrectionFactory()
    for status in ("no_face", "failed", "withheld"):
        SnapshotFactory(**{status: True})


@pytest.mark.timeout(0)  # as long as it takes for as many examples as somebody wants
def test_no_request_breaks_the_api(site: Site, access: Access, rows: None, tmp_path: Path) -> None:
    site.start_worker()
    for name, photo in (("face", face_photo()), ("landscape", faceless_photo())):
        (tmp_path / f"{name}.jpg").write_bytes(photo)
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(ROOT / "tests/e2e/api/schemathesis.toml")),
        *("run", f"{access.address}/schema", "--max-examples", EXAMPLES, "--no-color"),
        *("--header", f"Authorization: Bearer {access.key}", "--output-sanitize", "true"),
    ]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "SCHEMATHESIS_HOOKS": "tests.e2e.api.photos_to_send"}
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    print(run.stdout)
    assert run.returncode == 0, run.stdout + run.stderr

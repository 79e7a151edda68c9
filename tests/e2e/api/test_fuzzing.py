"""Every operation of the schema, with generated requests, right and wrong ones, against the real site."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.api.conftest import Access
from tests.e2e.site import Site

ROOT = Path(__file__).parents[3]
# Of each operation. `make fuzz-api` sets more.
EXAMPLES = os.environ.get("FUZZ_EXAMPLES", "3")


@pytest.mark.timeout(0)  # as long as it takes for as many examples as somebody wants
def test_no_request_breaks_the_api(site: Site, access: Access, tmp_path: Path) -> None:
    site.start_worker()
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(ROOT / "tests/e2e/api/schemathesis.toml")),
        *("run", f"{access.address}/schema", "--max-examples", EXAMPLES, "--no-color"),
        *("--header", f"Authorization: Bearer {access.key}", "--output-sanitize", "true"),
    ]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr

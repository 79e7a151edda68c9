"""Run docs/api.md as its readers would."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from crm.models import Customer
from emotions.models import EmotionCorrection, Snapshot
from tests.support.api import Access
from tests.support.factories import face_photo
from tests.support.site import Site

GUIDE = Path(__file__).parents[3] / "docs" / "api.md"
SNIPPET = re.compile(r"^```(sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def snippets(language: str, access: Access, port: int) -> str:
    """Return the guide's snippets in this language, in order, with the values that its readers fill in."""
    found = [code for each, code in SNIPPET.findall(GUIDE.read_text()) if each == language]
    assert found
    told = {"http://localhost:8000/api/v1": access.address, "PASTE_THE_KEY_HERE": access.key, "9000": str(port)}
    text = "\n".join(found)
    for example, real in told.items():
        text = text.replace(example, real)
    return text


def run(command: list[str], folder: Path, access: Access) -> str:
    environment = {"PATH": os.environ["PATH"], "RAPPORT": access.address, "RAPPORT_KEY": access.key}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=90)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def test_the_guide_works(site: Site, access: Access, tmp_path: Path, free_port: int) -> None:
    site.start_worker()
    folder = tmp_path / "integrator"
    folder.mkdir()
    (folder / "photo.jpg").write_bytes(face_photo())
    told = run(["bash", "-euo", "pipefail", "-c", snippets("sh", access, free_port)], folder, access)
    assert '"status":"analysed"' in told
    assert '"type":"snapshot"' in told
    assert (folder / "sentiment.csv").read_text().count("4711") == 1
    told = run([sys.executable, "-c", snippets("python", access, free_port)], folder, access)
    assert "1 failed" in told
    assert "analysed" in told
    assert "received webhook.test" in told
    assert Customer.objects.count() == 1
    assert Snapshot.objects.filter(status=Snapshot.Status.ANALYSED).count() == 2
    assert EmotionCorrection.objects.get().emotion == "neutral"

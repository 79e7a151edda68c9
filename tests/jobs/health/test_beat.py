"""Test the health check of beat in docker-compose.yml, run by a shell as in its container."""

import os
import subprocess
import time
from pathlib import Path

import pytest
import yaml

COMPOSE_FILE = Path(__file__).parents[3] / "docker-compose.yml"


def healthy(beat: Path, seconds_ago: int, **environment: str) -> bool:
    """Return whether beat is healthy if it sent its last task this many seconds ago."""
    sent = time.time() - seconds_ago
    beat.touch()
    os.utime(beat, (sent, sent))
    kind, check = yaml.safe_load(COMPOSE_FILE.read_text())["services"]["beat"]["healthcheck"]["test"]
    assert kind == "CMD-SHELL"
    command = check.replace("$$", "$").replace("/var/lib/rapport/beat", str(beat))
    return subprocess.run(["sh", "-c", command], env={"PATH": os.environ["PATH"]} | environment).returncode == 0


def test_with_the_usual_interval_two_minutes_are_too_long(tmp_path: Path) -> None:
    assert healthy(tmp_path / "beat", 100)
    assert not healthy(tmp_path / "beat", 130)


@pytest.mark.parametrize("interval", [10, 59, 119, 120, 300, 3600])
def test_it_waits_for_an_interval_and_a_minute_at_least(tmp_path: Path, interval: int) -> None:
    assert healthy(tmp_path / "beat", interval + 55, SWEEP_INTERVAL=str(interval))
    assert not healthy(tmp_path / "beat", interval + 125, SWEEP_INTERVAL=str(interval))

"""Check that other users of the machine cannot read the site's files, wherever its folder is."""

import os
import subprocess
import sys
from pathlib import Path

from tests.support.programs import ROOT

OPEN_TO_ALL = 0o022  # the usual umask


def run(var: Path, *arguments: str, **environment: str) -> None:
    kept = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "config.settings", "VAR_DIR": str(var)}
    command = [sys.executable, "manage.py", *arguments]
    subprocess.run(command, cwd=ROOT, env=kept | environment, check=True, capture_output=True, umask=OPEN_TO_ALL)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def readable_by_others(folder: Path) -> list[Path]:
    return [path for path in (folder, *folder.rglob("*")) if mode(path) & 0o077]


ENQUEUE_AND_COUNT = """
from crm.limits.counters import count; from jobs.celery import app; from crm.models import User
count("something", 60); app.send_task("crm.tasks.sweep"); User.objects.create(username="vera")
"""


def test_whatever_is_written_is_for_the_owner_only(tmp_path: Path) -> None:
    var = tmp_path / "var"
    run(var, "migrate", "--verbosity", "0")
    run(var, "create_first_account")
    run(var, "shell", "--command", ENQUEUE_AND_COUNT)
    assert {path.name for path in var.iterdir()} >= {"rapport.sqlite3", "secret_key", "queue", "cache"}
    assert list((var / "queue").glob("*.msg"))
    assert readable_by_others(var) == []


def test_what_an_earlier_version_left_open_is_closed_at_the_next_start(tmp_path: Path) -> None:
    var, media, database = tmp_path / "var", tmp_path / "media", tmp_path / "data" / "rapport.sqlite3"
    for folder in (var / "queue", var / "cache", media, database.parent):
        folder.mkdir(parents=True)
        folder.chmod(0o755)
    files = [var / "worker.log", database, database.with_name("rapport.sqlite3-wal")]
    for file in files:
        file.touch()
        file.chmod(0o644)
    var.chmod(0o755)
    run(var, "version", MEDIA_ROOT=str(media), DATABASE_URL=f"sqlite:///{database}")
    assert readable_by_others(var) == []
    assert [mode(file) for file in files] == [0o600] * 3
    assert mode(media) == 0o750  # the web server that sends photos may be in the folder's group


def test_a_folder_for_everybody_is_left_as_it_is(tmp_path: Path) -> None:
    everybodys = tmp_path / "tmp"
    everybodys.mkdir()
    everybodys.chmod(0o1777)
    (everybodys / "of somebody else").touch()
    (everybodys / "of somebody else").chmod(0o644)
    run(everybodys, "version")
    assert mode(everybodys) == 0o777
    assert mode(everybodys / "of somebody else") == 0o644

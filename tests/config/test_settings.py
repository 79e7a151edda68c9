"""Check the configuration by starting programs with it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ml.registry import DEFAULT_MODEL
from tests.support.programs import ROOT, SHOW, start


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAX_PHOTO_BYTES", "25MB"),
        ("MAX_PHOTO_PIXELS", "-1"),
        ("ANALYSIS_MAX_ATTEMPTS", "0"),
        ("SWEEP_INTERVAL", ""),
        ("DEBUG", "perhaps"),
        ("TIME_ZONE", "Mars/Olympus"),
        ("LOG_LEVEL", "chatty"),
        ("LOG_FORMAT", "xml"),
        ("X_ACCEL_PREFIX", "private-media"),
        ("DATABASE_PASSWORD_FILE", "/no/such/file"),
        ("DATABASE_URL", "mydatabase"),
        ("DATABASE_URL", "oracle7://somewhere/x"),
        ("CELERY_BROKER_URL", "carrier-pigeon://"),
        ("CONSENT_NOTICE_VERSION", ""),
        ("API_RATE", "600"),
        ("API_RATE", "0/minute"),
        ("CACHE_URL", "memory"),
        ("DATABASE_POOL_SIZE", "-1"),
        ("PGBOUNCER", "true"),  # it needs PostgreSQL, and the default is SQLite
        ("REDIS_CA_FILE", "/nowhere.pem"),
        ("S3_ENDPOINT_URL", "minio:9000"),
        ("S3_ACCESS_KEY", "without the other"),
        ("S3_LINK_SECONDS", "0"),
    ],
)
def test_a_wrong_value_is_refused_with_a_sentence_that_names_it(tmp_path: Path, name: str, value: str) -> None:
    result = start(tmp_path, SHOW.format("DEBUG"), **{name: value})
    assert result.returncode == 1
    assert result.stderr.startswith("Wrong configuration. ")
    assert name in result.stderr
    assert ".env.example" in result.stderr
    assert "Traceback" not in result.stderr


def test_every_wrong_value_is_told_at_once(tmp_path: Path) -> None:
    result = start(tmp_path, SHOW.format("DEBUG"), MAX_PHOTO_BYTES="x", LOG_LEVEL="y")
    assert "MAX_PHOTO_BYTES" in result.stderr
    assert "LOG_LEVEL" in result.stderr


@pytest.mark.parametrize(
    ("limit", "lease", "visibility"), [("90", "90", "600"), ("60", "90", "90"), ("60", "30", "600")]
)
def test_the_time_limits_must_rise(tmp_path: Path, limit: str, lease: str, visibility: str) -> None:
    result = start(
        tmp_path,
        SHOW.format("DEBUG"),
        ANALYSIS_TIME_LIMIT=limit,
        ANALYSIS_LEASE=lease,
        BROKER_VISIBILITY_TIMEOUT=visibility,
    )
    assert result.returncode == 1
    assert f"they are {limit}, {lease} and {visibility} seconds" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_worker_is_given_time_for_one_task_before_it_counts_as_deaf(tmp_path: Path) -> None:
    result = start(tmp_path, SHOW.format("DEBUG"), ANALYSIS_TIME_LIMIT="50", HEARTBEAT_LIMIT="60")
    assert result.returncode == 1
    assert "they are 60, 50 and 10 seconds" in result.stderr
    assert start(tmp_path, SHOW.format("HEARTBEAT_LIMIT"), ANALYSIS_TIME_LIMIT="50").stdout == "110\n"


def test_a_secret_key_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    first, second = (start(tmp_path, SHOW.format("SECRET_KEY")).stdout for _ in range(2))
    assert len(first) > 60
    assert first == second
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600


def test_several_processes_that_start_together_agree_on_the_key(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "config.settings", "VAR_DIR": str(tmp_path)}
    command = [sys.executable, "-c", SHOW.format("SECRET_KEY")]
    started = [
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    assert len({process.communicate()[0] for process in started}) == 1


def test_a_var_dir_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = start(tmp_path / "file" / "var", SHOW.format("DEBUG"))
    assert result.returncode == 1
    assert result.stderr.startswith("Wrong configuration. VAR_DIR: ")
    assert "Traceback" not in result.stderr


def test_sqlite_is_set_up_for_several_processes(tmp_path: Path) -> None:
    code = (
        "import django; django.setup(); from django.db import connection;"
        "cursor = connection.cursor(); print(cursor.execute('PRAGMA journal_mode').fetchone()[0],"
        "cursor.execute('PRAGMA busy_timeout').fetchone()[0], connection.transaction_mode)"
    )
    assert start(tmp_path, code).stdout.split() == ["wal", "20000", "IMMEDIATE"]


def test_the_default_model_is_the_pipeline_s(tmp_path: Path) -> None:
    assert start(tmp_path, SHOW.format("EMOTION_MODEL")).stdout.strip() == DEFAULT_MODEL


def test_no_web_process_loads_a_runtime(tmp_path: Path) -> None:
    code = (
        "import config.wsgi, sys, importlib; from django.urls import get_resolver; get_resolver().url_patterns;"
        "import emotions.uploads.services, emotions.tasks, emotions.snapshots.photos, emotions.status.services;"
        "print(sorted({'cv2', 'onnxruntime', 'onnx', 'tensorflow', 'keras', 'pandas'} & set(sys.modules)))"
    )
    result = start(tmp_path, code)
    assert result.stdout.strip() == "[]", result.stderr


def test_secrets_come_from_files(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("a key from a file\n")
    (tmp_path / "password").write_text("p@ss/word\n")
    files = {"SECRET_KEY_FILE": str(tmp_path / "key"), "DATABASE_PASSWORD_FILE": str(tmp_path / "password")}
    code = "from django.conf import settings; print(settings.SECRET_KEY, settings.DATABASES['default']['PASSWORD'])"
    shown = start(tmp_path, code, DATABASE_URL="postgres://rapport@db/rapport", **files).stdout
    assert shown == "a key from a file p@ss/word\n"


def test_a_password_in_the_address_stands(tmp_path: Path) -> None:
    code = "from django.conf import settings; print(settings.DATABASES['default']['PASSWORD'])"
    shown = start(tmp_path, code, DATABASE_URL="postgres://rapport:mine@db/rapport", DATABASE_PASSWORD="other").stdout
    assert shown == "mine\n"


def test_a_log_of_json_has_a_line_for_each_event(tmp_path: Path) -> None:
    code = (
        "import django, logging; django.setup()\n"
        "try: 1 / 0\n"
        "except ZeroDivisionError: logging.getLogger('crm').exception('Two\\nlines')"
    )
    (line,) = start(tmp_path, code, LOG_FORMAT="json").stdout.splitlines()
    event = json.loads(line)
    assert (event["level"], event["logger"], event["message"]) == ("ERROR", "crm", "Two\nlines")
    assert "ZeroDivisionError" in event["exc_info"]

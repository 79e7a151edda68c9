"""Use the project's settings in tests, but nothing of the developer's .env, database, queue and photos.

pytest-django loads settings before any conftest.py, so the environment that they read is set here.
"""

import atexit
import os
import shutil
import tempfile

from environs import Env

VAR = tempfile.mkdtemp(prefix="rapport-tests-")
atexit.register(shutil.rmtree, VAR, ignore_errors=True)
os.mkdir(f"{VAR}/static")  # WhiteNoise warns if it is missing

os.environ.update(
    VAR_DIR=VAR,
    DATABASE_URL=f"sqlite:///{VAR}/rapport.sqlite3",
    CELERY_BROKER_URL="filesystem://",
    EMOTION_MODEL="reference-cnn",  # the small model that most tests use
    SECRET_KEY="only for tests, and long enough for Django's own checks",
)
Env.read_env = lambda *args, **kwargs: False  # type: ignore[method-assign]

from config.settings import *  # noqa: E402, F403  # after the environment that they read
from config.settings import STORAGES  # noqa: E402

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # it is fast
STORAGES = STORAGES | {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}

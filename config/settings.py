"""Configure Django.

Every value that an operator may change is read from the environment here and listed in .env.example;
a wrong value stops the program with a sentence that names it.
"""

import os
import ssl
import sys
from pathlib import Path
from typing import Any

from django.urls import reverse_lazy
from environs import EnvError, FileAwareEnv, validate

from config.api import DRF_STANDARDIZED_ERRORS as DRF_STANDARDIZED_ERRORS
from config.api import REST_FRAMEWORK as FIXED_REST_FRAMEWORK
from config.api import SPECTACULAR_SETTINGS as SPECTACULAR_SETTINGS
from config.local.secret_key import local_secret_key
from config.logs import logging_configuration
from config.menu import UNFOLD as UNFOLD
from config.private_files import close_database, close_folder, close_to_strangers, write_for_the_owner_only
from config.schedule import DEFAULT_QUEUE, QUEUES, ROUTES, schedule
from config.values import known_file, known_time_zone, not_negative, refuse, secret
from crm.limits.rates import RATE

BASE_DIR = Path(__file__).resolve().parent.parent

env = FileAwareEnv(eager=False, strip_whitespace=True)  # collects every wrong value, to report all at once
env.read_env(str(BASE_DIR / ".env"), override=False)
positive = validate.Range(min=1)

VAR_DIR: Path = env.path("VAR_DIR", BASE_DIR / "var") or BASE_DIR / "var"
DEBUG = env.bool("DEBUG", False)
HTTPS = env.bool("HTTPS", False)
SECRET_KEY = secret(env.str, "SECRET_KEY", "")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", [])
TIME_ZONE = env.str("TIME_ZONE", "UTC", validate=known_time_zone)
LOG_FORMAT = env.str("LOG_FORMAT", "plain", validate=validate.OneOf(["plain", "json"]))
LOG_LEVEL = env.str("LOG_LEVEL", "INFO", validate=validate.OneOf(["DEBUG", "INFO", "WARNING", "ERROR"]))

DATABASE = secret(env.dj_db_url, "DATABASE_URL", f"sqlite:///{VAR_DIR}/rapport.sqlite3")
DATABASE_PASSWORD = secret(env.str, "DATABASE_PASSWORD", "")
# Connections that each process keeps for its threads; 0 leaves each thread its own.
DATABASE_POOL_SIZE = env.int("DATABASE_POOL_SIZE", 0, validate=validate.Range(min=0))
PGBOUNCER = env.bool("PGBOUNCER", False)
CELERY_BROKER_URL = secret(
    env.str,
    "CELERY_BROKER_URL",
    "filesystem://",
    validate=validate.Regexp(r"^(filesystem://$|rediss?://.+)", error="Give filesystem:// or a redis:// address."),
)
BROKER_VISIBILITY_TIMEOUT = env.int("BROKER_VISIBILITY_TIMEOUT", 600, validate=positive)

# The authority that signed the certificates of rediss:// servers, if it is none that the system knows.
REDIS_CA_FILE = env.path("REDIS_CA_FILE", None, validate=known_file)

MEDIA_ROOT = env.path("MEDIA_ROOT", VAR_DIR / "media")
S3_BUCKET = env.str("S3_BUCKET", "")
S3_ENDPOINT_URL = env.str(
    "S3_ENDPOINT_URL",
    "",
    validate=validate.Regexp(r"^(https?://[^/]+.*)?$", error="Give an http:// or https:// address."),
)
S3_REGION = env.str("S3_REGION", "us-east-1", validate=validate.Length(min=1))
S3_ACCESS_KEY = secret(env.str, "S3_ACCESS_KEY", "")
S3_SECRET_KEY = secret(env.str, "S3_SECRET_KEY", "")
S3_LINK_SECONDS = env.int("S3_LINK_SECONDS", 60, validate=validate.Range(min=1, max=3600))
X_ACCEL_PREFIX = env.str(
    "X_ACCEL_PREFIX", "", validate=validate.Regexp(r"^(/.+/)?$", error="Give a path, as /private-media/.")
)
STATIC_ROOT = env.path("STATIC_ROOT", VAR_DIR / "static")
MAX_PHOTO_BYTES = env.int("MAX_PHOTO_BYTES", 25 * 1024 * 1024, validate=positive)
MAX_PHOTO_PIXELS = env.int("MAX_PHOTO_PIXELS", 60_000_000, validate=positive)
# What the decoder of one photo may use: megabytes of memory, and seconds of processor time.
MAX_PHOTO_MEMORY = env.int("MAX_PHOTO_MEMORY", 700, validate=positive)
MAX_PHOTO_SECONDS = env.int("MAX_PHOTO_SECONDS", 5, validate=positive)
MAX_PHOTOS_PER_FORM = env.int("MAX_PHOTOS_PER_FORM", 20, validate=positive)
CONSENT_NOTICE_VERSION = env.str("CONSENT_NOTICE_VERSION", "2026-11", validate=validate.Length(min=1, max=40))

NUM_PROXIES = env.int("NUM_PROXIES", 0, validate=validate.Range(min=0))
rate = validate.Regexp(RATE, error="Give a number and a period: second, minute, hour or day, as in 600/minute.")
API_RATE = env.str("API_RATE", "600/minute", validate=rate)
# How many wrong keys may come from one address. Right keys from there still work.
API_FAILURE_RATE = env.str("API_FAILURE_RATE", "30/minute", validate=rate)
# How many wrong passwords may come: for one account from one address or known browser, from one address, and for one
# account from anywhere.
LOGIN_RATE = env.str("LOGIN_RATE", "10/hour", validate=rate)
LOGIN_ADDRESS_RATE = env.str("LOGIN_ADDRESS_RATE", "50/hour", validate=rate)
LOGIN_ACCOUNT_RATE = env.str("LOGIN_ACCOUNT_RATE", "100/hour", validate=rate)
# Where web processes count requests together.
CACHE_URL = secret(
    env.str,
    "CACHE_URL",
    # str(), because a wrong broker address is None here, and is reported at the end
    CELERY_BROKER_URL if str(CELERY_BROKER_URL).startswith("redis") else f"file://{VAR_DIR.absolute()}/cache",
    validate=validate.Regexp(r"^(file:///.+|rediss?://.+)$", error="Give file:///FOLDER or a redis:// address."),
)
API_MAX_WAITING = env.int("API_MAX_WAITING", 2, validate=validate.Range(min=0))

EXPORT_CORRECTIONS = env.bool("EXPORT_CORRECTIONS", False)

MODELS_DIR = env.path("MODELS_DIR", BASE_DIR / "ml" / "models")
EMOTION_MODEL = env.str("EMOTION_MODEL", "residual-int8")
FACE_DETECTOR_MODEL = env.str("FACE_DETECTOR_MODEL", "")
FACE_DETECTOR_SHA256 = env.str(
    "FACE_DETECTOR_SHA256",
    "",
    validate=validate.Regexp(r"^([0-9a-fA-F]{64})?$", error="Give the 64 hexadecimal digits of the file's sha256."),
)
# How many seconds one photo may take, and a claim on it lasts.
ANALYSIS_TIME_LIMIT = env.int("ANALYSIS_TIME_LIMIT", 60, validate=positive)
ANALYSIS_LEASE = env.int("ANALYSIS_LEASE", 90, validate=positive)
ANALYSIS_MAX_ATTEMPTS = env.int("ANALYSIS_MAX_ATTEMPTS", 3, validate=positive)
ANALYSIS_RETRY_DELAY = env.int("ANALYSIS_RETRY_DELAY", 10, validate=positive)
WORKER_MAX_MEMORY = env.int("WORKER_MAX_MEMORY", 1024, validate=positive)
SWEEP_INTERVAL = env.int("SWEEP_INTERVAL", 10, validate=positive)

METRICS_TOKEN = secret(env.str, "METRICS_TOKEN", "")
METRICS_PORT = env.int("METRICS_PORT", 0, validate=validate.Range(min=0, max=65535))
METRICS_DIR = env.path("METRICS_DIR", VAR_DIR / "metrics")

HEARTBEAT_INTERVAL = env.int("HEARTBEAT_INTERVAL", 10, validate=positive)
HEARTBEAT_LIMIT = env.int("HEARTBEAT_LIMIT", 0, validate=validate.Range(min=0))

NO_HOSTS: list[str] = []
WEBHOOK_ALLOWED_HOSTS = [host.lower() for host in env.list("WEBHOOK_ALLOWED_HOSTS", NO_HOSTS)]
# Seconds. The delays are those of https://docs.svix.com/retries, by the makers of Standard Webhooks: 27.6 hours in all.
DELAYS = [5, 300, 1800, 7200, 18000, 36000, 36000]
WEBHOOK_RETRY_DELAYS = env.list("WEBHOOK_RETRY_DELAYS", DELAYS, subcast=int, validate=not_negative)
WEBHOOK_READ_TIMEOUT = env.int("WEBHOOK_READ_TIMEOUT", 15, validate=positive)
WEBHOOK_LEASE = env.int("WEBHOOK_LEASE", 120, validate=positive)
WEBHOOK_PAUSE_AFTER_HOURS = env.int("WEBHOOK_PAUSE_AFTER_HOURS", 24, validate=positive)
WEBHOOK_PAUSE_AFTER_FAILURES = env.int("WEBHOOK_PAUSE_AFTER_FAILURES", 5, validate=positive)
WEBHOOK_SECRET_OVERLAP_HOURS = env.int("WEBHOOK_SECRET_OVERLAP_HOURS", 24, validate=positive)
WEBHOOK_RETENTION_DAYS = env.int("WEBHOOK_RETENTION_DAYS", 30, validate=positive)

try:
    env.seal()
except EnvError as error:
    sys.exit(f"Wrong configuration. {error} What may be set is listed in .env.example.")
if not ANALYSIS_TIME_LIMIT < ANALYSIS_LEASE < BROKER_VISIBILITY_TIMEOUT:
    refuse(
        "ANALYSIS_TIME_LIMIT must be less than ANALYSIS_LEASE, and that less than"
        f" BROKER_VISIBILITY_TIMEOUT, but they are {ANALYSIS_TIME_LIMIT}, {ANALYSIS_LEASE} and"
        f" {BROKER_VISIBILITY_TIMEOUT} seconds."
    )
# How many seconds a worker claims photos before it takes other messages. Of photos that it claims together, the last
# begins at most as long after the claim. It has the whole time limit, and ends before its claim does.
ANALYSIS_SLICE = min(1.0, (ANALYSIS_LEASE - ANALYSIS_TIME_LIMIT) / 3)
# Time for a task that is killed at its limit, the start of a new process, and a few heartbeats.
HEARTBEAT_LIMIT = HEARTBEAT_LIMIT or ANALYSIS_TIME_LIMIT + 30 + 3 * HEARTBEAT_INTERVAL
if not ANALYSIS_TIME_LIMIT + 2 * ANALYSIS_SLICE + HEARTBEAT_INTERVAL < HEARTBEAT_LIMIT:
    refuse(
        "HEARTBEAT_LIMIT must be more than ANALYSIS_TIME_LIMIT and HEARTBEAT_INTERVAL together,"
        f" but they are {HEARTBEAT_LIMIT}, {ANALYSIS_TIME_LIMIT} and {HEARTBEAT_INTERVAL} seconds."
    )
if not 3 * WEBHOOK_READ_TIMEOUT < WEBHOOK_LEASE:
    refuse(
        "WEBHOOK_LEASE must be more than three times WEBHOOK_READ_TIMEOUT, but they are"
        f" {WEBHOOK_LEASE} and {WEBHOOK_READ_TIMEOUT} seconds."
    )
if bool(FACE_DETECTOR_MODEL) != bool(FACE_DETECTOR_SHA256):
    refuse("Give FACE_DETECTOR_MODEL and FACE_DETECTOR_SHA256 together, or neither.")
if bool(S3_ACCESS_KEY) != bool(S3_SECRET_KEY):
    refuse("Give S3_ACCESS_KEY and S3_SECRET_KEY together, or neither where the machine has a role of its own.")
if (DATABASE_POOL_SIZE or PGBOUNCER) and DATABASE["ENGINE"] != "django.db.backends.postgresql":
    refuse("DATABASE_POOL_SIZE and PGBOUNCER are for PostgreSQL, but DATABASE_URL names another database.")
write_for_the_owner_only()
try:
    close_folder(VAR_DIR)
except OSError as error:
    sys.exit(f"Wrong configuration. VAR_DIR: {VAR_DIR} cannot be made ({error.strerror}). See .env.example.")


def database(url_settings: dict[str, Any]) -> dict[str, Any]:
    """Add to the parsed DATABASE_URL what each engine needs for several processes at once."""
    if url_settings["ENGINE"] != "django.db.backends.sqlite3":
        url_settings |= {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True, "DISABLE_SERVER_SIDE_CURSORS": PGBOUNCER}
        if DATABASE_POOL_SIZE:
            pool = {"min_size": 1, "max_size": DATABASE_POOL_SIZE, "timeout": 10}
            url_settings |= {"CONN_MAX_AGE": 0, "OPTIONS": url_settings.get("OPTIONS", {}) | {"pool": pool}}
        return url_settings
    Path(url_settings["NAME"]).parent.mkdir(parents=True, exist_ok=True)
    close_database(Path(url_settings["NAME"]))
    options = {
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA secure_delete=ON;",
        "transaction_mode": "IMMEDIATE",  # a transaction that will write waits at its start, and never fails halfway
        "timeout": 20,
    }
    return url_settings | {"OPTIONS": options}


def redis_tls(url: str) -> dict[str, Any]:
    """Return the options that verify the server's certificate: kombu would accept any without them."""
    if not url.startswith("rediss:"):
        return {}
    authority = {"ssl_ca_certs": str(REDIS_CA_FILE)} if REDIS_CA_FILE else {}
    return {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_check_hostname": True, **authority}


def cache(url: str) -> dict[str, Any]:
    """Return the cache. Never clear it: that empties the whole Redis, with the queue of tasks."""
    if url.startswith("file:"):
        backend, location = "filebased.FileBasedCache", url.removeprefix("file://")
        options = {"MAX_ENTRIES": 1000}  # files; beyond that, a third is deleted
    else:
        backend, location = "redis.RedisCache", url
        options = {"socket_connect_timeout": 1, "socket_timeout": 1, **redis_tls(url)}  # requests wait for it
    return {
        "BACKEND": f"django.core.cache.backends.{backend}",
        "LOCATION": location,
        "OPTIONS": options,
        "TIMEOUT": 2 * 24 * 3600,  # each count in a file restarts it; no period is longer than a day
    }


close_to_strangers(MEDIA_ROOT)
SECRET_KEY = SECRET_KEY or local_secret_key(VAR_DIR / "secret_key")
DATABASES = {"default": database({**DATABASE, "PASSWORD": DATABASE["PASSWORD"] or DATABASE_PASSWORD})}
CACHES = {
    "default": cache(CACHE_URL),
    # For what never changes while the process runs.
    "process": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "rest_framework",
    "rest_framework_api_key",
    "jobs",
    "crm",
    "emotions",
]
MIDDLEWARE = [
    "jobs.health.endpoints.health",  # before anything that checks the host, the scheme or the session
    "jobs.health.metrics.measure_requests",
    "crm.http.security.keep_nothing",
    "crm.api.problems.problems_only",  # before all others, to see what they answer
    "django.middleware.security.SecurityMiddleware",
    "crm.http.security.content_security_policy",
    "crm.http.compression.CompressPages",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "crm.http.body_limits.BodyLimits",  # before CsrfViewMiddleware, which reads the body
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "crm.accounts.middleware.LoginLimits",
    "crm.workspace.deleted_meanwhile.DeletedMeanwhile",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "emotions.status.services.analysis_status",
                "crm.webhooks.notice.stopped_webhooks",
            ],
        },
    },
]

REST_FRAMEWORK = {**FIXED_REST_FRAMEWORK, "NUM_PROXIES": NUM_PROXIES}

CUSTOMER_PAGE = "emotions:timeline"  # crm leads there without knowing the app that has it
AUTH_USER_MODEL = "crm.User"
AUTHENTICATION_BACKENDS = ["crm.accounts.backend.LimitedBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
] + [{"NAME": "crm.accounts.passwords.NotMadeOfNamesValidator"}]
LOGIN_URL = reverse_lazy("admin:login")
LOGIN_REDIRECT_URL = reverse_lazy("admin:index")  # for who opens that page itself

LANGUAGE_CODE = "en-gb"
USE_I18N = False
FORMAT_MODULE_PATH = "config.formats"
USE_TZ = True

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {
        "BACKEND": "emotions.snapshots.object_storage.ObjectStorage"
        if S3_BUCKET
        else "django.core.files.storage.FileSystemStorage"
    },
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o700
DATA_UPLOAD_MAX_NUMBER_FILES = MAX_PHOTOS_PER_FORM * 5  # the form refuses a few too many with a sentence
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024  # of the fields beside photos, and of JSON: 1,000 customers with notes
MAX_FORM_BYTES = MAX_PHOTO_BYTES * MAX_PHOTOS_PER_FORM + DATA_UPLOAD_MAX_MEMORY_SIZE  # of photos and fields together

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
SECURE_SSL_REDIRECT = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
X_FRAME_OPTIONS = "DENY"

HEARTBEATS_DIR = VAR_DIR / "heartbeats"
if METRICS_TOKEN or METRICS_PORT:  # else every process counts for itself, and nobody asks
    METRICS_DIR.mkdir(parents=True, exist_ok=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(METRICS_DIR)  # read when prometheus_client is imported
QUEUE_DIR = VAR_DIR / "queue"
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any]
if CELERY_BROKER_URL.startswith("filesystem:"):
    QUEUE_DIR.mkdir(parents=True, exist_ok=True)
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(QUEUE_DIR),
        "data_folder_out": str(QUEUE_DIR),
        "control_folder": str(QUEUE_DIR / "control"),
        "polling_interval": 0.05,
    }
else:
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "visibility_timeout": BROKER_VISIBILITY_TIMEOUT,
        "socket_connect_timeout": 2,
        "socket_timeout": 30,
        "socket_keepalive": True,
        "health_check_interval": 10,
        "max_retries": 0,  # of a request that enqueues; workers have the setting below
    }
CELERY_BROKER_USE_SSL = redis_tls(CELERY_BROKER_URL)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # a worker waits for its broker as long as it takes
CELERY_TASK_PUBLISH_RETRY = False  # the row stays pending and the sweep enqueues it: the request need not wait
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
# A hard limit only. A soft one is an exception amid the decoder, which would take it for a broken photo.
CELERY_TASK_TIME_LIMIT = ANALYSIS_TIME_LIMIT + 2 * ANALYSIS_SLICE
CELERY_TASK_QUEUES = QUEUES
CELERY_TASK_DEFAULT_QUEUE = DEFAULT_QUEUE
CELERY_TASK_ROUTES = ROUTES
CELERY_WORKER_PROC_ALIVE_TIMEOUT = 30.0  # to load the models on a busy machine; then a stuck process is replaced
CELERY_WORKER_MAX_MEMORY_PER_CHILD = WORKER_MAX_MEMORY * 1024  # KiB, looked at after each task
CELERY_WORKER_PREFETCH_MULTIPLIER = 2  # the next photo is there when one is done: no process waits for the broker
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_REDIRECT_STDOUTS = False  # a crash stays readable
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_TIMEZONE = TIME_ZONE
CELERY_BEAT_SCHEDULER = "celery.beat:Scheduler"  # in memory: intervals need no file that may break
CELERY_BEAT_SCHEDULE = schedule(SWEEP_INTERVAL)

LOGGING = logging_configuration(LOG_FORMAT, LOG_LEVEL)

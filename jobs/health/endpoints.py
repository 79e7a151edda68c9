"""Answer monitoring: is the process alive (/healthz), can the site work (/readyz), what has it done (/metrics)?

/healthz and /readyz need no login, so they reveal no details; the log holds these. Apps add checks to
/readyz with `register`.
"""

import logging
import time
import uuid
from collections.abc import Callable
from threading import Event, Lock, Thread

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection, connections
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.http.response import HttpResponseBase

from jobs.health.metrics import metrics
from jobs.queues import waiting_messages

logger = logging.getLogger(__name__)

OK = "ok"
TIME_LIMIT = 3.0  # All checks together may take this many seconds.
NO_ANSWER = "It has not answered in time."
# A check returns a sentence that anybody may read, or "" when all is well.
Check = Callable[[], str]


def check_database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return ""


def check_broker() -> str:
    waiting_messages()
    return ""


def check_storage() -> str:
    name = default_storage.save(f"readyz-{uuid.uuid4()}", ContentFile(b"ready"))
    default_storage.delete(name)
    return ""


CHECKS: dict[str, Check] = {"database": check_database, "broker": check_broker, "storage": check_storage}


def register(name: str, check: Check) -> None:
    """Add a check to /readyz."""
    CHECKS[name] = check


class _Asked:
    """Run a check in a thread of its own, because a check may hang."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._answered = Event()
        self._answer = ""
        Thread(target=self._ask, name=f"readyz {name}", daemon=True).start()

    @property
    def is_answered(self) -> bool:
        return self._answered.is_set()

    def answer_until(self, end: float) -> str:
        return self._answer if self._answered.wait(max(0.0, end - time.monotonic())) else NO_ANSWER

    def _ask(self) -> None:
        try:
            self._answer = CHECKS[self._name]() or OK
        except Exception as error:  # Each library raises errors of its own.
            logger.warning("/readyz: %s: %s", self._name, error)
            self._answer = "It does not work; the log says why."
        finally:
            connections.close_all()
            self._answered.set()


_under_way: dict[str, _Asked] = {}
_lock = Lock()


def ask_all() -> dict[str, str]:
    """Return the answer of each check: "ok" or a sentence. Concurrent requests share one run of each check."""
    end = time.monotonic() + TIME_LIMIT
    with _lock:
        for name in CHECKS:
            if name not in _under_way or _under_way[name].is_answered:
                _under_way[name] = _Asked(name)
        asked = dict(_under_way)
    return {name: each.answer_until(end) for name, each in asked.items()}


def healthz(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"status": OK})


def readyz(request: HttpRequest) -> HttpResponse:
    checks = ask_all()
    ready = all(answer == OK for answer in checks.values())
    return JsonResponse({"status": OK if ready else "not ready", "checks": checks}, status=200 if ready else 503)


# A function returns None when it has no answer; the request then takes its usual way.
ANSWERS: dict[str, Callable[[HttpRequest], HttpResponse | None]] = {
    "/healthz": healthz,
    "/readyz": readyz,
    "/metrics": metrics,
}


def health(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Answer monitoring before all other middleware, so that it may use any host name, and http instead of https."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        answer = ANSWERS.get(request.path_info)
        if answer is None:
            return get_response(request)
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        response = answer(request)
        if response is None:
            return get_response(request)
        response.headers["Cache-Control"] = "no-store"
        return response

    return middleware

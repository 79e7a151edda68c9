"""Serve metrics to Prometheus: counts and durations, summed over all processes of this machine or container.

Processes count in files in METRICS_DIR (prometheus_client's multiprocess mode), so each can answer for
all of them: a web process at /metrics, or a worker at METRICS_PORT. No label holds customer data.
"""

import hmac
import logging
import time
from collections.abc import Callable, Iterator

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from django.http.response import HttpResponseBase
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Histogram, generate_latest, start_http_server
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from jobs.health.metrics_files import CountedHere
from jobs.queues import waiting_messages

logger = logging.getLogger(__name__)

REQUESTS = Histogram(
    "rapport_request_seconds",
    "How long requests took, until the answer began.",
    ("view", "method", "status"),
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class Now(Collector):
    """Read the gauges at the moment when Prometheus asks for them."""

    def collect(self) -> Iterator[Metric]:
        for ask in GAUGES:
            try:
                yield ask()
            except Exception as error:  # The broker or the database may be down. Prometheus then misses this gauge.
                logger.warning("/metrics: %s: %s", ask.__name__, error)


def queue_depth() -> Metric:
    depths = GaugeMetricFamily("rapport_queue_messages", "Messages that wait in the broker.", labels=("queue",))
    for queue, count in waiting_messages().items():
        depths.add_metric((queue,), count)
    return depths


GAUGES: list[Callable[[], Metric]] = [queue_depth]


def register(gauge: Callable[[], Metric]) -> None:
    """Add a gauge to the site's /metrics. Workers leave gauges out, because all would report the same values."""
    GAUGES.append(gauge)


def measure_requests(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Count and time every request (middleware)."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        started = time.perf_counter()
        response = get_response(request)
        view = request.resolver_match.view_name if request.resolver_match else ""
        method = request.method if request.method in METHODS else "other"
        REQUESTS.labels(view, method, response.status_code).observe(time.perf_counter() - started)
        return response

    return middleware


def metrics(request: HttpRequest) -> HttpResponse:
    """Return the metrics: 401 without the right METRICS_TOKEN, and 404 when no token is configured."""
    if not settings.METRICS_TOKEN:
        return HttpResponseNotFound()
    expected = f"Bearer {settings.METRICS_TOKEN}"
    if not hmac.compare_digest(request.headers.get("Authorization", "").encode(), expected.encode()):
        return HttpResponse(
            "Send METRICS_TOKEN as a bearer token.\n", status=401, headers={"WWW-Authenticate": "Bearer"}
        )
    registry = CollectorRegistry()
    registry.register(CountedHere(settings.METRICS_DIR))
    registry.register(Now())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def serve() -> None:
    """Serve metrics at METRICS_PORT from a worker's main process."""
    if not settings.METRICS_PORT:
        return
    registry = CollectorRegistry()
    registry.register(CountedHere(settings.METRICS_DIR))
    try:
        start_http_server(settings.METRICS_PORT, registry=registry)
    except OSError as error:
        logger.warning(
            "METRICS_PORT: this worker does not answer at %s (%s). Another one of this machine may do so for both.",
            settings.METRICS_PORT,
            error.strerror,
        )

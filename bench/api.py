"""Measure how long the REST API takes to answer, on a PostgreSQL with the rows of bench.dataset.

The bench starts gunicorn with two workers, and sends each kind of request at a fixed rate, even if the answers do not
keep up. A time counts from the moment at which the request was due. Each request has different ids and filters.
"Processor" is the processor time that a request took in the workers and, if it runs on this machine, in the database.
It does not include the time that they waited for a core. A run takes about five minutes. At its end, the bench deletes
the rows that it wrote.
"""

import argparse
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.machine import machine

if TYPE_CHECKING:
    from bench.api_load import Client, Server
    from bench.api_requests import Kind, Request
    from bench.api_rows import Written

Figures = dict[str, dict[str, float]]

TARGET_MS = 60
FAR = 100  # number of the far page
FEWEST = 20  # requests of one kind
PAGE = 20  # rows of a page, few enough for the busiest customer to have FAR pages
PAGED = ("customers", "interactions", "consents", "snapshots", "records", "corrections")
PAGED_ORDERS = ("customers?ordering=name", "customers?ordering=created_at", "records?ordering=-captured_at")
BULKS = 3
COLUMNS = ("processor", "median", "p95", "target")


def measure(options: argparse.Namespace) -> dict[str, Figures]:
    """Return milliseconds of each kind, of first and far pages, and of rare requests. Needs Django set up."""
    from tqdm import tqdm

    from bench.api_load import CONNECTIONS, Client, milliseconds_at_a_rate, serving
    from bench.api_rows import written_for
    from crm.models import User

    user = User.objects.get(username=options.user)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        written = stack.enter_context(written_for(user, options.seed))
        server = stack.enter_context(serving(folder, options.workers, options.threads))
        clients = [Client(server, written.key) for _ in range(CONNECTIONS)]
        kinds, busiest = kinds_for(user, written, options)
        figures: dict[str, Figures] = {"kinds": {}}
        milliseconds_at_a_rate(clients, kinds[0].make, len(clients), options.rate)  # opens the connections
        for kind in tqdm(kinds, unit="kind", disable=None):
            figures["kinds"][kind.name] = _at_rate(kind, server, clients, options)
        if not options.only:
            figures["pages"] = dict(_pages(clients[0], busiest, options.repeat))
            figures["rare"] = _rare(clients[0], server, written)
        for client in clients:
            client.close()
    return figures


def kinds_for(user: Any, written: "Written", options: argparse.Namespace) -> tuple[list["Kind"], str]:
    """Return the kinds of requests, and the ID of the customer with most interactions."""
    from django.db.models import Count

    from bench import api_requests
    from crm.models import Customer

    rows = api_requests.Rows(user, options.seed)
    counted = Customer.objects.visible_to(user).annotate(count=Count("interactions"))
    busiest = str(counted.order_by("-count")[0].uuid)
    kinds = [
        *api_requests.lists(rows),
        *(api_requests.webhooks() if user.has_perm("crm.view_webhookendpoint") else ()),
        *api_requests.singles(rows),
        *api_requests.histories(rows, busiest),
        *api_requests.writes(rows, written),
    ]
    return [kind for kind in kinds if options.only in kind.name], busiest


def _at_rate(kind: "Kind", server: "Server", clients: list["Client"], options: argparse.Namespace) -> dict[str, float]:
    from bench.api_load import milliseconds_at_a_rate

    rate, count = options.rate * kind.share, max(FEWEST, round(options.requests * kind.share))
    milliseconds_at_a_rate(clients, kind.make, options.workers, options.rate)
    before = server.processor_seconds()
    times = milliseconds_at_a_rate(clients, kind.make, count, rate)
    after = server.processor_seconds()
    processor = sum(seconds - before.get(pid, 0) for pid, seconds in after.items()) / count
    centiles = statistics.quantiles(times, n=20, method="inclusive")
    figures = {"median": statistics.median(times), "p95": centiles[-1], "target": kind.target_ms}
    return {**figures, "processor": processor * 1000, "per_second": rate}


def _pages(client: "Client", busiest: str, repeat: int) -> Iterable[tuple[str, dict[str, float]]]:
    """Yield the times of the first and the hundredth page of each list, measured in turn."""
    from bench.api_load import milliseconds
    from bench.api_requests import Request

    for path in (*PAGED, *PAGED_ORDERS, f"customers/{busiest}/timeline"):
        first = Request(f"{path}{'&' if '?' in path else '?'}page_size={PAGE}")
        far, page = _far_page(client, first)
        times = [(milliseconds(client, first), milliseconds(client, far)) for _ in range(repeat)]
        near_ms, far_ms = (statistics.median(each) for each in zip(*times, strict=True))
        name = path.replace(busiest, "BUSIEST")
        yield name, {"page": page, "first": near_ms, "far": far_ms, "ratio": far_ms / near_ms}


def _far_page(client: "Client", first: "Request") -> tuple["Request", int]:
    """Return the hundredth page, or the last one if the list is shorter, and its number."""
    from bench.api_requests import Request

    far, page = first, 1
    while page < FAR and (following := json.loads(client.send(far))["next"]):
        far, page = Request(following.split("/api/v1/")[1]), page + 1
    return far, page


def _rare(client: "Client", server: "Server", written: "Written") -> Figures:
    from bench.api_requests import Request, bulk

    before, started = server.peak_megabytes(), time.perf_counter()
    rows = client.send(Request("sentiment/customers"), {"Accept": "text/csv"}).count(b"\n")
    csv = {"seconds": time.perf_counter() - started, "rows": rows, "megabytes": server.peak_megabytes() - before}
    chance, times = random.Random(0), {"created": [], "updated": []}  # type: ignore[var-annotated]  # noqa: S311
    for place in range(BULKS):
        for outcome, seconds in times.items():
            started = time.perf_counter()
            client.send(bulk(written, place * 1000, f"{outcome} {chance.random()}"))
            seconds.append(time.perf_counter() - started)
    bulks = {f"1,000 customers {outcome}": {"seconds": statistics.median(each)} for outcome, each in times.items()}
    return {"CSV of all customers": csv, **bulks}


def as_tables(figures: dict[str, Figures]) -> str:
    head = ("request", "a second", "processor", "median", "95th percentile", "target")
    lines = [f"| {' | '.join(head)} |", "| --- " * len(head) + "|"]
    for name, each in figures["kinds"].items():
        processor, median, p95, target = (f"{each[column]:.0f} ms" for column in COLUMNS)
        slow = f"**{p95}**" if each["p95"] > each["target"] else p95
        lines.append(f"| {name} | {each['per_second']:g} | {processor} | {median} | {slow} | {target} |")
    if pages := figures.get("pages"):
        lines += ["", "| list | first page | far page | which | ratio |", "| --- | --- | --- | --- | --- |"]
        for name, each in pages.items():
            times = f"{each['first']:.1f} ms | {each['far']:.1f} ms"
            lines.append(f"| {name} | {times} | {each['page']} | {each['ratio']:.2f} |")
    if rare := figures.get("rare"):
        lines += ["", "| once in a while | seconds | rows | the server's memory grew by |", "| --- | --- | --- | --- |"]
        for name, each in rare.items():
            memory = f"{each['megabytes']:.1f} MB" if "megabytes" in each else ""
            lines.append(f"| {name} | {each['seconds']:.2f} | {each.get('rows', '')} | {memory} |")
    return "\n".join(lines)


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.api", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.add_argument("--user", default="bench-all", help="for whom the key acts: bench01 sees a part (%(default)s)")
    parser.add_argument("--rate", type=float, default=20, metavar="N", help="requests a second (%(default)s)")
    parser.add_argument("--requests", type=int, default=50, metavar="N", help="of each kind (%(default)s)")
    parser.add_argument("--repeat", type=int, default=20, metavar="N", help="of first and far pages (%(default)s)")
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="of gunicorn (%(default)s)")
    parser.add_argument("--threads", type=int, default=4, metavar="N", help="of each worker (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of the choice of rows (%(default)s)")
    parser.add_argument("--only", default="", metavar="TEXT", help="kinds whose names contain this, and no more")
    return parser


def main() -> int:
    options = build_parser().parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    figures = measure(options)
    print(json.dumps(figures) if options.json else f"{machine()}\n\n{as_tables(figures)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

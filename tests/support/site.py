"""Run the site that the browser visits, and do there what a person does."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Locator, Page, Route, expect

from crm.models import Customer
from tests.support.deployment import Deployment, Program

PASSWORD = "correct horse battery staple"


class Site:
    def __init__(self, deployment: Deployment) -> None:
        """Start the web processes."""
        self._deployment = deployment
        self.address = deployment.web(processes=1)

    def start_worker(self) -> Program:
        return self._deployment.worker()

    def start_deliveries(self) -> Program:
        """Start a worker for webhooks."""
        queues = ("--queues", "webhooks,webhooks-sweep,jobs", "--pool", "threads", "--concurrency", "2")
        return self._deployment.start("webhooks", "celery", "-A", "jobs", "worker", *queues)

    def timeline(self, customer: Customer) -> str:
        return f"{self.address}/admin/customers/{customer.uuid}/"


def photo_file(folder: Path, name: str, content: bytes) -> Path:
    file = folder / name
    file.write_bytes(content)
    return file


def snapshots(page: Page, status: str) -> Locator:
    return page.locator(f"article[data-snapshot][data-status={status}]")


def log_photos(page: Page, *files: Path, consent: bool = True) -> None:
    """Go from the timeline to the log form and send it, which leads back to the timeline if it succeeds."""
    page.get_by_role("link", name="Log interaction").first.click()
    page.get_by_label("Choose photos").set_input_files(files)
    if consent:
        page.get_by_role("checkbox", name="The customer agreed").check()
    page.get_by_role("button", name="Log interaction").click()


@contextmanager
def held_back(page: Page, address: str) -> Iterator[list[Route]]:
    """Hold back the answers to requests for an address pattern until the block ends. Yield these requests."""
    held: list[Route] = []
    page.route(address, lambda route: held.append(route))
    yield held
    for route in held:
        route.continue_()


def expect_fits(page: Page) -> None:
    """Check that nothing is wider than the window."""
    expect(page.locator("body")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0

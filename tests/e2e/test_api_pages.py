"""Test the API's pages for people: its documentation, and its resources as a browser shows them."""

from playwright.sync_api import Page, expect

from crm.models import Customer
from tests.support.factories import CustomerFactory
from tests.support.site import Site

PATIENCE = 120_000  # milliseconds: the pages' scripts are megabytes long, and the machine may be busy


def foreign(visited: list[str], site: Site) -> list[str]:
    return [address for address in visited if not address.startswith((site.address, "blob:", "data:"))]


def test_swagger_ui_shows_the_api_without_any_other_host(
    site: Site, page: Page, visited: list[str], complaints: list[str]
) -> None:
    page.goto(f"{site.address}/api/v1/docs")
    page.get_by_text("/api/v1/customers", exact=True).first.click(timeout=PATIENCE)
    expect(page.get_by_role("button", name="Try it out").first).to_be_visible(timeout=PATIENCE)
    assert (complaints, foreign(visited, site)) == ([], [])


def test_redoc_shows_and_searches_the_api_without_any_other_host(
    site: Site, page: Page, visited: list[str], complaints: list[str]
) -> None:
    page.goto(f"{site.address}/api/v1/redoc")
    expect(page.get_by_role("heading", name="Rapport").first).to_be_visible(timeout=PATIENCE)
    page.get_by_placeholder("Search...").fill("consent")
    expect(page.locator("[role=search] [role=menuitem]").first).to_be_visible(timeout=PATIENCE)
    assert (complaints, foreign(visited, site)) == ([], [])


def test_staff_may_browse_the_api(site: Site, logged_in: Page, visited: list[str], complaints: list[str]) -> None:
    customer = CustomerFactory()
    for resource in ("customers", "consents", f"customers/{customer.uuid}"):
        logged_in.goto(f"{site.address}/api/v1/{resource}")
        expect(logged_in.get_by_text("HTTP 200 OK")).to_be_visible()
        expect(logged_in.get_by_text(str(customer.uuid)).last).to_be_visible()
    assert (complaints, foreign(visited, site)) == ([], [])


def test_staff_may_create_a_customer_in_the_browser(site: Site, logged_in: Page, complaints: list[str]) -> None:
    logged_in.goto(f"{site.address}/api/v1/customers")
    logged_in.get_by_label("Content:").fill('{"name": "Ada"}')
    logged_in.get_by_role("button", name="POST").click()
    expect(logged_in.get_by_text("HTTP 201 Created")).to_be_visible()
    assert Customer.objects.get().name == "Ada"
    assert complaints == []

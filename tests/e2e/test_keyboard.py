"""Test that the keyboard can do what the mouse can: open menus, set filters, and correct a form."""

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.factories import CustomerFactory, UserFactory
from tests.support.site import Site

PHONE = {"width": 390, "height": 844}


def tab_to(page: Page, wanted: Locator) -> None:
    for _ in range(60):
        if wanted.evaluate("(element) => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not reach {wanted}.")


@pytest.fixture
def customers(site: Site, logged_in: Page) -> Page:
    CustomerFactory(owner=UserFactory(username="lou"))
    logged_in.goto(f"{site.address}/admin/crm/customer/")
    return logged_in


def test_filters_open_by_keyboard_and_close_by_escape(customers: Page) -> None:
    opener, panel = customers.get_by_role("button", name="Filters"), customers.locator("#changelist-filter")
    tab_to(customers, opener)
    customers.keyboard.press("Enter")
    expect(panel.locator(":focus")).to_be_visible()
    customers.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(opener).to_be_focused()


def test_the_account_menu_opens_by_keyboard(customers: Page) -> None:
    opener = customers.get_by_role("button", name="Sam Rivera")
    tab_to(customers, opener)
    customers.keyboard.press("Space")
    tab_to(customers, customers.get_by_role("button", name="Dark"))
    customers.keyboard.press("Enter")
    expect(customers.locator("html.dark")).to_be_visible()
    customers.keyboard.press("Escape")
    expect(customers.get_by_role("link", name="Change password")).to_be_hidden()
    expect(opener).to_be_focused()


def test_the_menu_opens_by_keyboard_on_a_phone(customers: Page) -> None:
    customers.set_viewport_size(PHONE)  # type: ignore[arg-type]
    opener, link = customers.get_by_role("button", name="Menu"), customers.get_by_role("link", name="Consents")
    expect(link).not_to_be_in_viewport()
    tab_to(customers, opener)
    customers.keyboard.press("Enter")
    tab_to(customers, link)
    customers.keyboard.press("Enter")
    expect(customers).to_have_url(f"{customers.url.split('/admin/')[0]}/admin/crm/consent/")

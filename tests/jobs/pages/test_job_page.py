"""Test who sees which work on the job page, and what they can do with it."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from crm.models import User, WebhookDelivery
from emotions.models import Reanalysis, Snapshot
from jobs.pages import queries
from jobs.pages.queries import job_page
from tests.support.factories import (
    CustomerFactory,
    InteractionFactory,
    ModelVersionFactory,
    SnapshotFactory,
    UserFactory,
)
from tests.support.webhooks import WebhookEndpointFactory
from tests.support.workspace import browser_of, text_of

pytestmark = pytest.mark.django_db
PAGE = "/admin/jobs/"


def operator(*permissions: str) -> User:
    user: User = UserFactory()
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return User.objects.get(pk=user.pk)


def photo_of(user: User, **values: Any) -> Snapshot:
    snapshot: Snapshot = SnapshotFactory(interaction=InteractionFactory(staff=user), **values)
    return snapshot


def run_of(user: User | None, **values: Any) -> Reanalysis:
    version = ModelVersionFactory()
    return Reanalysis.objects.create(
        scope="all", model_version=version, started_by=user, total=8, last=0, done=2, **values
    )


def delivery_of(user: User, **values: Any) -> WebhookDelivery:
    WebhookEndpointFactory(owner=user)
    CustomerFactory(consenting=False)
    WebhookDelivery.objects.update(**values)
    return WebhookDelivery.objects.get()


def keys(user: User, **filters: str) -> list[str]:
    return [row.key for row in job_page(user, **filters).rows]


def test_people_see_their_own_work_of_all_kinds_the_newest_first() -> None:
    me, other = UserFactory(), UserFactory()
    photo_of(other)
    photo, delivery, run = photo_of(me), delivery_of(me), run_of(me)
    assert keys(me) == [f"reanalysis.{run.pk}", f"webhookdelivery.{delivery.pk}", f"snapshot.{photo.pk}"]


def test_operators_see_everything() -> None:
    photo, run = photo_of(UserFactory()), run_of(None)
    shown = job_page(operator("view_work"))
    assert [row.key for row in shown.rows] == [f"reanalysis.{run.pk}", f"snapshot.{photo.pk}"]
    assert shown.sees_everything
    assert shown.rows[0].started_by == ""


@pytest.mark.parametrize(
    ("state", "expected"),
    [("failed", ["failed"]), ("done", ["analysed"]), ("unfinished", ["pending"]), ("waiting", ["pending"])],
)
def test_it_is_filtered_by_state(state: str, expected: list[str]) -> None:
    me = UserFactory()
    photo_of(me), photo_of(me, failed=True), photo_of(me, analysed=True)
    assert [row.work.status for row in job_page(me, state=state).rows] == expected


def test_it_is_filtered_by_kind() -> None:
    me = UserFactory()
    photo_of(me)
    run = run_of(me)
    assert keys(me, kind_name="reanalysis") == [f"reanalysis.{run.pk}"]
    assert keys(me, kind_name="nothing") == []


def test_each_page_goes_on_where_the_one_before_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "ROWS_ON_A_PAGE", 2)
    me = UserFactory()
    photos = [photo_of(me) for _ in range(3)]
    run = run_of(me)
    photos += [photo_of(me) for _ in range(2)]
    pages, before = [], ""
    while True:
        page = job_page(me, before=before)
        pages.append([row.key for row in page.rows])
        before = page.next_before
        if not before:
            break
    expected = [f"snapshot.{photo.pk}" for photo in (*photos[:3], *photos[3:])]
    expected.insert(3, f"reanalysis.{run.pk}")
    assert [key for page in pages for key in page] == expected[::-1]
    assert [len(page) for page in pages] == [2, 2, 2]


@pytest.mark.parametrize("before", ["x", "snapshot.", "snapshot.-1", "snapshot." + "9" * 30, "~~", "snapshot.²"])
def test_a_broken_address_shows_the_first_page(before: str) -> None:
    me = UserFactory()
    photo = photo_of(me)
    assert keys(me, before=before) == [f"snapshot.{photo.pk}"]


def test_the_number_of_queries_does_not_grow_with_the_work(django_assert_max_num_queries: Any) -> None:
    me = operator("view_work")
    for _ in range(4):
        photo_of(UserFactory())
        delivery = WebhookEndpointFactory()
        assert delivery
        CustomerFactory(consenting=False)
    run_of(UserFactory())
    me = User.objects.get(pk=me.pk)
    with django_assert_max_num_queries(5):  # two for the person's permissions, and one for each kind
        page = job_page(me)
        assert all(row.started_by for row in page.rows)
        # Only the work whose page this person may open has a link.
        assert {bool(row.address) for row in page.rows} == {True, False}


def test_the_page_says_what_went_wrong_and_how_far_things_are() -> None:
    me = UserFactory()
    photo_of(me, failed=True)
    run_of(me)
    shown = text_of(browser_of(me).get(PAGE).content)
    assert "The analysis broke off several times. Try again later" in shown
    assert "2 of 8" in shown
    assert "In progress" in shown


def poll(browser: Client, version: str) -> Any:
    return browser.get(PAGE, {"version": version}, headers={"HX-Request": "true"})


def test_a_list_that_asks_for_news_gets_nothing_while_there_is_none() -> None:
    me = UserFactory()
    run = run_of(me)
    browser, page = browser_of(me), job_page(me)
    assert page.poll_every
    assert poll(browser, page.version).status_code == 204
    Reanalysis.objects.filter(pk=run.pk).update(done=3)
    answer = poll(browser, page.version)
    assert "3 of 8" in text_of(answer.content)
    assert b"<html" not in answer.content
    Reanalysis.objects.filter(pk=run.pk).end("done")
    assert b"hx-get" not in poll(browser, page.version).content  # nothing changes any more, so the page stops polling


def test_who_was_logged_out_is_sent_to_the_login_page() -> None:
    assert Client().get(PAGE).status_code == 302
    assert poll(Client(), "1").headers["HX-Refresh"] == "true"


def act(browser: Client, action: str, *chosen: str) -> str:
    answer = browser.post(f"{PAGE}act/", {"action": action, "work": chosen, "state": "failed"}, follow=True)
    assert answer.redirect_chain == [(f"{PAGE}?kind=&state=failed&before=", 302)]
    return text_of(answer.content)


def test_failed_work_of_several_kinds_is_retried_together() -> None:
    me = UserFactory()
    photo = photo_of(me, failed=True)
    delivery = delivery_of(me, status="failed", error="No answer.", finished_at=timezone.now())
    said = act(browser_of(me), "retry", f"snapshot.{photo.pk}", f"webhookdelivery.{delivery.pk}")
    assert "2 jobs were started again." in said
    photo.refresh_from_db()
    delivery.refresh_from_db()
    assert (photo.status, delivery.status) == ("pending", "pending")


def test_a_run_is_cancelled() -> None:
    me = UserFactory()
    run = run_of(me)
    assert "1 job was cancelled." in act(browser_of(me), "cancel", f"reanalysis.{run.pk}")
    run.refresh_from_db()
    assert (run.status, run.error) == ("cancelled", "Somebody stopped it.")


def test_nobody_changes_others_work_without_the_right_to() -> None:
    photo = photo_of(UserFactory(), failed=True)
    for user in (UserFactory(), operator("view_work")):
        said = act(browser_of(user), "retry", f"snapshot.{photo.pk}")
        assert "1 job was left as before." in said
    photo.refresh_from_db()
    assert photo.status == "failed"
    assert "1 job was started again." in act(
        browser_of(operator("view_work", "change_work")), "retry", f"snapshot.{photo.pk}"
    )


def test_what_has_not_failed_is_not_retried() -> None:
    me = UserFactory()
    photo = photo_of(me, analysed=True)
    assert "1 job was left as before." in act(browser_of(me), "retry", f"snapshot.{photo.pk}")


@pytest.mark.parametrize("chosen", [(), ("snapshot.x",), ("nothing.1",), ("snapshot." + "9" * 30,)])
def test_a_broken_form_does_no_harm(chosen: tuple[str, ...]) -> None:
    said = act(browser_of(), "retry", *chosen)
    assert "Nothing was chosen" in said or "left as before" in said

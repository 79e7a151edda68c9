"""Show the job page: background work, for operators and for the people who started it."""

from collections.abc import Callable

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.http import urlencode
from django.views.decorators.http import require_GET, require_POST

from jobs.kinds import every_kind
from jobs.pages import services
from jobs.pages.queries import JobPage, job_page
from jobs.work import State

STATES = (("", "All"), ("unfinished", "Unfinished"), *State.choices)
FILTERS = ("kind", "state", "before")


def for_staff(view: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Restrict a view to staff, and send everybody else to the login page.

    A list that polls makes the browser reload the whole page, which then leads to the login page.
    """
    guarded = admin.site.admin_view(view)

    def wrapper(request: HttpRequest) -> HttpResponseBase:
        if request.headers.get("HX-Request") and not admin.site.has_permission(request):
            return HttpResponse(status=204, headers={"HX-Refresh": "true"})
        return guarded(request)

    return wrapper


@require_GET
def jobs(request: HttpRequest) -> HttpResponse:
    """Return the whole page, or to a list that polls only the list, or 204 while nothing has changed."""
    chosen = _filters(request.GET.get)
    page = job_page(request.user, chosen["kind"], chosen["state"], chosen["before"])
    context = {"page": page, "chosen": chosen, "query": urlencode(chosen), "next": urlencode(_next(chosen, page))}
    if request.headers.get("HX-Request"):
        if request.GET.get("version") == page.version:
            return HttpResponse(status=204)
        return render(request, "jobs/list.html", context)
    kinds = [("", "All"), *((kind.name, kind.title) for kind in every_kind())]
    whole = {"title": "Jobs", "kinds": kinds, "states": STATES}
    return render(request, "jobs/jobs.html", admin.site.each_context(request) | whole | context)


@require_POST
def act(request: HttpRequest) -> HttpResponse:
    """Retry or cancel the chosen work, and return to the list."""
    keys = request.POST.getlist("work")
    if not keys:
        messages.info(request, "Nothing was chosen. Tick the jobs first.")
    elif request.POST.get("action") == "cancel":
        _say(request, services.cancel(keys, request.user), len(keys), "cancelled", "has ended already")
    else:
        _say(request, services.retry(keys, request.user), len(keys), "started again", "has not failed")
    return redirect(f"{request.path_info.removesuffix('act/')}?{urlencode(_filters(request.POST.get))}")


def _say(request: HttpRequest, done: int, chosen: int, verb: str, reason: str) -> None:
    if done:
        messages.success(request, f"{done} {'job was' if done == 1 else 'jobs were'} {verb}.")
    if left := chosen - done:
        why = f"Such a job {reason}, cannot be {verb}, or is not yours."
        messages.warning(request, f"{left} {'job was' if left == 1 else 'jobs were'} left as before. {why}")


def _filters(value: Callable[[str, str], str | None]) -> dict[str, str]:
    return {name: value(name, "") or "" for name in FILTERS}


def _next(chosen: dict[str, str], page: JobPage) -> dict[str, str]:
    return chosen | {"before": page.next_before}

"""Show a page that says what to do next after a refused request. For the API see crm/api/problems.py."""

import errno
import sys

from django.contrib import admin
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views.decorators.csrf import requires_csrf_token

from jobs.outage import RETRY_AFTER, UNAVAILABLE

NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


@requires_csrf_token
def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a request that cannot be read (Django's handler400)."""
    text = "Something in the address is not understood. Go back and use the links and filters of the page."
    return _page(request, 400, "This address cannot be read", text)


@requires_csrf_token
def broken_off(request: HttpRequest) -> HttpResponse:
    """Answer a form that arrived only in part."""
    text = "The connection broke off while it was sent, and nothing was saved. Go back and send it again."
    return _page(request, 400, "The form did not arrive whole", text)


@requires_csrf_token
def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer somebody who lacks a permission (Django's handler403)."""
    text = "Your account lacks the permission for this. If you need it, ask an administrator for it."
    return _page(request, 403, "You may not do this", text)


@requires_csrf_token
def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a request for something that is not there (Django's handler404)."""
    text = "It may have been deleted, or belong to a colleague. Check the address, or look for it in the lists."
    return _page(request, 404, "There is nothing here", text)


def _page(request: HttpRequest, status: int, title: str, text: str) -> HttpResponse:
    if not hasattr(request, "user"):  # a middleware refused the request before the user was looked up
        request.user = AnonymousUser()
    context = admin.site.each_context(request) | {"title": title, "text": text}
    return render(request, "crm/errors/page.html", context, status=status)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer an uncaught error (Django's handler500), and say what to do if that is known."""
    error = sys.exception()
    if isinstance(error, UNAVAILABLE):
        return _plain_page(503, "The database cannot be reached", "Wait a moment, then go back and try again.")
    if isinstance(error, OSError) and error.errno in NO_ROOM:
        return _plain_page(507, "There is no room left for files", "Nothing was saved. Tell your administrator.")
    text = "The error was written down. Go back and try again; if it happens again, tell your administrator."
    return _plain_page(500, "Something went wrong on our side", text)


def _plain_page(status: int, title: str, text: str) -> HttpResponse:
    """Render a page that needs no database."""
    page = render_to_string("crm/errors/outage.html", {"title": title, "text": text})
    return HttpResponse(page, status=status, headers={"Retry-After": str(RETRY_AFTER)} if status == 503 else None)

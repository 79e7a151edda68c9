"""Let templates leave out links to pages that the reader may not open."""

from django import template
from django.http import HttpRequest

from crm.workspace.links import may_open

register = template.Library()


@register.filter
def is_open_to(address: object, request: HttpRequest) -> bool:
    """Return whether the reader may open this address; false for an empty address."""
    return bool(address) and may_open(request, str(address))

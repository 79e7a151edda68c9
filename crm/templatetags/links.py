"""For templates that link to pages which not every member of staff may open."""

from django import template
from django.http import HttpRequest

from crm.workspace.links import may_open

register = template.Library()


@register.filter
def is_open_to(address: object, request: HttpRequest) -> bool:
    """Return false for no address at all, too."""
    return bool(address) and may_open(request, str(address))

"""Let templates show badges."""

from django import template

from crm.workspace.badges import badge

register = template.Library()
register.simple_tag(badge)

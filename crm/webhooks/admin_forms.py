"""Define the form in which staff add and edit a webhook."""

from django import forms

from crm.webhooks.event_types import event_types
from crm.webhooks.models.endpoints import WebhookEndpoint
from crm.workspace.theme import Checkboxes


def choices() -> list[tuple[str, str]]:
    return [(event_type, f"{label} ({event_type})") for event_type, label in event_types().items()]


class WebhookEndpointForm(forms.ModelForm):  # type: ignore[type-arg]  # It is not generic at run time.
    events = forms.MultipleChoiceField(label="Hears of", choices=choices, widget=Checkboxes)

    class Meta:
        model = WebhookEndpoint
        fields = ("url", "description", "events")
        help_texts = {  # noqa: RUF012
            "url": "Where messages go: a public https address, such as https://crm.example.com/hook.",
            "description": "For your colleagues: which system this is, and who looks after it.",
        }

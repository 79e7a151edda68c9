"""What must hold of the data that staff type in, whichever page they type it on."""

from datetime import datetime, timedelta

from django import forms
from django.utils import timezone

from crm.models import Interaction

CLOCK_TOLERANCE = timedelta(minutes=5)  # staff's clocks may be a little ahead of the server's


class InteractionForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    class Meta:
        model = Interaction
        fields = ("kind", "occurred_at", "notes")

    def clean_occurred_at(self) -> datetime:
        occurred_at: datetime = self.cleaned_data["occurred_at"]
        if occurred_at > timezone.now() + CLOCK_TOLERANCE:
            raise forms.ValidationError("This time is in the future. Enter when the interaction took place.")
        return occurred_at

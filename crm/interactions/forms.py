"""Define the form of an interaction, which several pages use."""

from django import forms

from crm.interactions.models import Interaction


class InteractionForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    class Meta:
        model = Interaction
        fields = ("kind", "occurred_at", "notes")

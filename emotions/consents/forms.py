"""Check how a customer agreed or withdrew."""

from __future__ import annotations

from django import forms

from crm.models import Consent


class ConsentForm(forms.Form):
    """How the customer said it."""

    obtained_by = forms.ChoiceField(choices=Consent.ObtainedBy.choices, initial=Consent.ObtainedBy.IN_PERSON)


class NewConsentForm(ConsentForm):
    """Consent to photos and their analysis, and apart from that to their use for the model."""

    model_training = forms.BooleanField(required=False)

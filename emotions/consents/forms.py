"""Check how a customer gave or withdrew a consent."""

from __future__ import annotations

from django import forms

from crm.models import Consent


class ConsentForm(forms.Form):
    """Enter how the customer agreed or withdrew: in person, in writing and so on."""

    obtained_by = forms.ChoiceField(choices=Consent.ObtainedBy.choices, initial=Consent.ObtainedBy.IN_PERSON)


class NewConsentForm(ConsentForm):
    """Enter a consent to photos and their analysis, and separately one to their use for training."""

    model_training = forms.BooleanField(required=False)

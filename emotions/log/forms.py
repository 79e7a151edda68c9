"""Check an interaction with its photos, and say which photo is wrong and why."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.conf import settings
from django.core.files import File

from crm.interactions.forms import InteractionForm
from crm.models import Consent, Customer, Interaction
from emotions.snapshots.photos import CheckedPhoto, PhotoRefused, check_upload
from ml.errors import DecoderUnavailable

WITHDRAWN = (
    "The customer withdrew the consent to photos and their analysis. Remove the photos, or, if the customer agrees"
    " again, record the new consent first on the customer's timeline."
)
UNAVAILABLE = "unavailable"  # the code of an error that passes by itself
ACCEPTED_FILES = "image/*,.heic,.heif,.avif"


@dataclass(frozen=True, slots=True)
class PhotoError:
    index: int  # position among the chosen photos, from 0
    name: str
    message: str


class PhotosInput(forms.FileInput):
    allow_multiple_selected = True


class PhotosField(forms.FileField):
    """Accept any number of files. The form checks whether they are photos."""

    widget = PhotosInput

    def clean(self, data: Sequence[File[bytes]] | None, initial: Any = None) -> list[File[bytes]]:
        return list(data or ())


class LogForm(InteractionForm):
    """Enter an interaction with its photos, and the consent if the customer has given none yet."""

    # The ID is made with the page, so that a second click does not log a second interaction.
    uuid = forms.UUIDField(widget=forms.HiddenInput({"autocomplete": "off"}), initial=uuid.uuid4)
    photos = PhotosField(required=False, widget=PhotosInput({"multiple": True, "accept": ACCEPTED_FILES}))
    consent = forms.BooleanField(required=False)
    consent_obtained_by = forms.ChoiceField(
        label="How the customer agreed",
        required=False,
        choices=Consent.ObtainedBy.choices,
        initial=Consent.ObtainedBy.IN_PERSON,
    )

    class Meta(InteractionForm.Meta):
        widgets = {  # noqa: RUF012
            "occurred_at": forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
            "notes": forms.Textarea({"rows": 5}),
        }

    def __init__(self, customer: Customer, data: Any = None, files: Any = None, *, consent: Consent | None) -> None:
        super().__init__(data, files, instance=Interaction(customer=customer))
        self.consent_stands = consent is not None and consent.granted
        self.consent_withdrawn = consent is not None and not consent.granted
        self.photo_errors: list[PhotoError] = []
        if consent:
            del self.fields["consent"], self.fields["consent_obtained_by"]

    def clean_photos(self) -> list[CheckedPhoto]:
        uploads: list[File[bytes]] = self.cleaned_data["photos"]
        most = settings.MAX_PHOTOS_PER_FORM
        if len(uploads) > most:
            raise forms.ValidationError(
                f"At most {most} photos can be added at once, and these are {len(uploads)}. Log the others afterwards."
            )
        checked = []
        for index, upload in enumerate(uploads):
            try:
                checked.append(check_upload(upload))
            except PhotoRefused as error:
                self.photo_errors.append(PhotoError(index, upload.name or "", str(error)))
            except DecoderUnavailable as error:
                raise forms.ValidationError(str(error), UNAVAILABLE) from error
        if self.photo_errors:
            raise forms.ValidationError([f"{error.name}: {error.message}" for error in self.photo_errors])
        return checked

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if self.consent_stands:
            return data
        has_photos = bool(data.get("photos") or self.photo_errors)
        if self.consent_withdrawn:
            if has_photos or self.data.get("consent"):  # a page that was loaded before the withdrawal has this box
                self.add_error(None, WITHDRAWN)
            return data
        if has_photos and not data.get("consent"):
            self.add_error(
                "consent",
                "Photos need the customer's consent. Tick this if the customer agreed, or remove the photos.",
            )
        if data.get("consent") and not data.get("consent_obtained_by"):
            self.add_error("consent_obtained_by", "Say how the customer agreed.")
        return data

    def focus_first_error(self) -> None:
        """Let the browser focus the first field with an error, however far down the page it is."""
        for field in self.visible_fields():
            if field.errors:
                field.field.widget.attrs["autofocus"] = True
                return

    @property
    def photos_given(self) -> list[CheckedPhoto]:
        photos: list[CheckedPhoto] = self.cleaned_data["photos"]
        return photos

    @property
    def clock_hints(self) -> list[str]:
        """Return what staff should know about the cameras' clocks."""
        return [photo.clock_hint for photo in self.photos_given if photo.clock_hint]

    @property
    def consent_given_by(self) -> str | None:
        """Return how the customer has just agreed; None if the box was not ticked."""
        return self.cleaned_data["consent_obtained_by"] if self.cleaned_data.get("consent") else None

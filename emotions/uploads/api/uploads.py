"""Read uploaded multipart forms, and check their photos before anything is stored."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import IO, Any, cast

from django.conf import settings
from django.core.exceptions import TooManyFilesSent
from django.http import UnreadablePostError
from django.utils.http import parse_header_parameters
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.parsers import DataAndFiles, MultiPartParser

from crm.api.fields import IdentifierField, UtcDateTimeField
from crm.api.serializers import StrictSerializer
from crm.customers.api import MAX_NOTES
from crm.customers.fields import CustomerField
from crm.interactions.models import not_before_1900, not_in_the_future
from crm.models import Consent, Customer, Interaction
from emotions.snapshots.photos import CheckedPhoto, PhotoRefused, check_upload, refuse_future
from emotions.uploads.api.file_names import ReadableFileNames
from emotions.uploads.api.problems import DecoderUnavailable, StorageUnavailable
from ml import errors
from ml.photo import ACCEPTED


class PhotoParser(MultiPartParser):
    """Parse forms with photos. Large files go to the disk as they arrive, and any file name is accepted."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> DataAndFiles[Any, Any]:
        _, parameters = parse_header_parameters(media_type or "")
        boundary = parameters.get("boundary")  # without one, Django refuses the form
        body = ReadableFileNames(stream, boundary) if boundary else None
        try:
            return super().parse(cast("IO[bytes]", body or stream), media_type, parser_context)
        except TooManyFilesSent as error:
            raise ValidationError({"photos": [too_many()]}, "max_length") from error
        except UnreadablePostError:
            raise
        except OSError as error:
            raise StorageUnavailable from error


def too_many() -> str:
    return f"At most {settings.MAX_PHOTOS_PER_FORM} photos can be added at once. Send the others afterwards."


class PhotoField(serializers.FileField):
    def to_internal_value(self, data: Any) -> CheckedPhoto:  # type: ignore[override]  # it returns more than the file
        upload = super().to_internal_value(data)
        try:
            return check_upload(upload)
        except PhotoRefused as error:
            raise ValidationError(str(error), "photo_refused") from error
        except errors.DecoderUnavailable as error:
            raise DecoderUnavailable from error


class PhotosField(serializers.ListField):
    child = PhotoField(
        allow_empty_file=True,  # `check_upload` refuses it with a better message
        help_text=f"{ACCEPTED}, at most {settings.MAX_PHOTO_BYTES} bytes.",
    )

    def to_internal_value(self, data: Any) -> list[Any]:
        if len(data) > settings.MAX_PHOTOS_PER_FORM:  # before any photo is checked
            raise ValidationError([too_many()], "max_length")
        return super().to_internal_value(data)


class UploadSerializer(StrictSerializer):
    """Accept photos of an existing interaction."""

    photos = PhotosField(min_length=1, max_length=settings.MAX_PHOTOS_PER_FORM)
    captured_at = UtcDateTimeField(
        required=False,
        validators=[not_before_1900],
        help_text="When the photo was taken, whatever its EXIF says. For a single photo. Unless given, the time in its"
        " EXIF counts, or, without one or if that is in the future, when the interaction took place.",
    )

    def to_internal_value(self, data: Any) -> Any:
        # In forms, Django REST framework treats an empty field like one that was left out.
        if blank := [name for name, value in data.items() if value == "" and name in self.fields and name != "notes"]:
            raise ValidationError({name: ["Give a value, or leave the field out."] for name in blank}, "blank")
        return super().to_internal_value(data)

    def validate_captured_at(self, value: datetime) -> datetime:
        try:
            refuse_future(value)
        except PhotoRefused as error:
            raise ValidationError("This time is in the future.", "future") from error
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "captured_at" in attrs and len(attrs["photos"]) > 1:
            raise ValidationError({"captured_at": ["Give it with a single photo only."]}, "mismatch")
        return attrs


class UploadWithInteractionSerializer(UploadSerializer):
    """Accept photos together with the interaction during which they were taken."""

    customer = CustomerField(required=False, help_text="ID of the customer; or give source and external_id.")
    source = IdentifierField(required=False, max_length=50)  # type: ignore[assignment]  # a field's own attribute
    external_id = IdentifierField(required=False, max_length=200)
    kind = serializers.ChoiceField(Interaction.Kind.choices, default=Interaction.Kind.VISIT)
    occurred_at = UtcDateTimeField(
        required=False,
        validators=[not_in_the_future, not_before_1900],
        help_text="When the interaction took place; now, unless given.",
    )
    notes = serializers.CharField(required=False, allow_blank=True, max_length=MAX_NOTES)
    consent_obtained_by = serializers.ChoiceField(
        Consent.ObtainedBy.choices,
        required=False,
        help_text="How the customer has just agreed to photos and their analysis; records this consent."
        " Refused after a withdrawal: then POST /consents alone renews it. Needs the scope `customers:write` too.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        named = {name: attrs.pop(name) for name in ("customer", "source", "external_id") if name in attrs}
        attrs = super().validate(attrs)
        if named.keys() == {"customer"}:
            return attrs | named
        if named.keys() != {"source", "external_id"}:
            raise ValidationError({"customer": ["Give customer, or source and external_id."]}, "incomplete")
        return attrs | {"customer": self._customer(**named)}

    def _customer(self, source: str, external_id: str) -> Customer:
        visible = Customer.objects.visible_to(self.context["request"].user)
        if found := visible.filter(source=source, external_id=external_id).first():
            return found
        message = f"There is no customer {external_id} of {source} within your reach."
        raise ValidationError({"external_id": [message]}, "does_not_exist")

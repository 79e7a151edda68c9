"""Read the filter of the review page."""

from __future__ import annotations

from typing import Any

from django import forms

from emotions.answers.queries import ADJECTIVES
from emotions.model_versions.models import ModelVersion
from emotions.review.queries import versions_in_use
from ml.labels import EMOTIONS, Emotion


class ReviewFilter(forms.Form):
    """Choose which faces to review."""

    model = forms.ModelChoiceField(queryset=ModelVersion.objects.none(), required=False, empty_label="All in use")
    emotion = forms.TypedChoiceField(
        label="Most likely",
        choices=[("", "Any emotion"), *((emotion.value, ADJECTIVES[emotion]) for emotion in EMOTIONS)],
        coerce=Emotion,
        empty_value=None,
        required=False,
    )

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        field = self.fields["model"]
        assert isinstance(field, forms.ModelChoiceField)  # noqa: S101 - for the type checker
        field.queryset = versions_in_use()

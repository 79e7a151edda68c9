"""Check what a person saw in a face."""

from __future__ import annotations

from django import forms

from ml.labels import EMOTIONS, Emotion


class CorrectionForm(forms.Form):
    """Enter the emotion that a person saw in a face."""

    emotion = forms.TypedChoiceField(
        choices=[(emotion.value, emotion.value) for emotion in EMOTIONS],
        coerce=Emotion,
        error_messages={
            "required": "Nothing was saved. Choose what you saw.",
            "invalid_choice": "Nothing was saved. Choose one of the seven emotions.",
        },
    )

    @property
    def problem(self) -> str:
        return " ".join(str(message) for message in self.errors.get("emotion", ()))

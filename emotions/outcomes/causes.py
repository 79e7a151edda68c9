"""List the reasons why the result that stands for a photo can change."""

from django.db import models


class Cause(models.TextChoices):
    """Name each cause as webhook messages do, with the explanation that the documentation gives."""

    ANALYSIS = "analysis", "The analysis of the photo ended"
    REANALYSIS = "reanalysis", "Another model's answer counts now"
    SUBJECT_CHOSEN = "subject_chosen", "Staff chose which face is the customer"
    CORRECTION = "correction", "A person said how a face appears, or took that back"
    CONSENT_WITHDRAWN = "consent_withdrawn", "The consent was withdrawn before the analysis ended"

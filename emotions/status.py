"""Whether photos can be analysed at present, for a line on every page."""

from functools import lru_cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from ml.errors import ModelUnavailable
from ml.registry import check_model


def analysis_status(request: HttpRequest) -> dict[str, Any]:
    """Context processor: `analysis_problem` is a sentence, or empty when all is well."""
    return {"analysis_problem": SimpleLazyObject(analysis_problem)}


def analysis_problem() -> str:
    folder = settings.MODELS_DIR / settings.EMOTION_MODEL
    stamps = tuple(file.stat().st_mtime_ns for file in sorted(folder.glob("*")))
    return _problem(settings.EMOTION_MODEL, str(folder), stamps)


@lru_cache(maxsize=1)
def _problem(model: str, folder: str, stamps: tuple[int, ...]) -> str:
    """Cached until a file of the model changes: the checksum of the weights takes milliseconds."""
    try:
        check_model(model, settings.MODELS_DIR)
    except ModelUnavailable as error:
        return str(error)
    return ""

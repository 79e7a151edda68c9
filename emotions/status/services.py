"""Whether photos can be analysed at present, for a line on every page."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from emotions.model_versions.services import active_model, problem_of


def analysis_status(request: HttpRequest) -> dict[str, Any]:
    """Context processor: `analysis_problem` is a sentence, or empty when all is well."""
    return {"analysis_problem": SimpleLazyObject(analysis_problem)}


def check_model() -> str:
    """For /readyz, where anybody may ask: the sentence without the folder that it names."""
    return "The active model cannot be used; the workspace says why." if analysis_problem() else ""


def analysis_problem() -> str:
    return problem_of(active_model())

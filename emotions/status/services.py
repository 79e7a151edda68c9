"""Say whether photos can be analysed at present: on every page, and to monitoring."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from emotions.model_versions.services import active_model, problem_of


def analysis_status(request: HttpRequest) -> dict[str, Any]:
    """Add `analysis_problem` to every page: a sentence, or empty if all is well."""
    return {"analysis_problem": SimpleLazyObject(analysis_problem)}


def check_model() -> str:
    """Return a sentence for /readyz, or an empty text if all is well. It names no folder, because anybody may ask."""
    return "The active model cannot be used; the workspace says why." if analysis_problem() else ""


def analysis_problem() -> str:
    """Return a sentence that says why no photo can be analysed; empty if all is well."""
    return problem_of(active_model())

"""Decide what the sender of a request may do."""

from typing import TYPE_CHECKING

from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from crm.accounts.models import User
from crm.api_keys.models import ApiKey, Scope

if TYPE_CHECKING:
    from crm.api.views import ApiMixin


class HasScope(BasePermission):
    """Require the view's scope for reading or writing from API keys; logged-in staff have every scope."""

    def has_permission(self, request: Request, view: "ApiMixin") -> bool:  # type: ignore[override]
        if not isinstance(request.user, User) or not (request.user.is_active and request.user.is_staff):
            return False
        require_scope(request, required_scope(request.method or "", view))
        return True


def required_scope(method: str, view: "ApiMixin") -> Scope:
    return view.read_scope if method in SAFE_METHODS else view.write_scope


def grants(request: Request, scope: Scope) -> bool:
    """Return whether the API key has this scope; logged-in staff have every scope."""
    return not isinstance(request.auth, ApiKey) or request.auth.grants(scope)


def require_scope(request: Request, scope: Scope) -> None:
    """Raise PermissionDenied with the name of the scope unless the API key has it."""
    if not grants(request, scope):
        raise PermissionDenied(f"This needs an API key with the scope {scope}.", "scope_missing")


def require_permission(user: User, permission: str, action: str) -> None:
    """Raise PermissionDenied unless this member of staff has the permission that the admin pages require too."""
    if not user.has_perm(permission):
        raise PermissionDenied(f"The member of staff may not {action}: the permission {permission} is missing.")

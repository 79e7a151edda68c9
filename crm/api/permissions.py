"""What whoever asks may do."""

from typing import TYPE_CHECKING

from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from crm.accounts.models import User
from crm.api_keys.models import ApiKey, Scope

if TYPE_CHECKING:
    from crm.api.views import ApiMixin


class HasScope(BasePermission):
    """Keys need the scope that the view names for reading or writing; logged-in staff have every scope."""

    def has_permission(self, request: Request, view: "ApiMixin") -> bool:  # type: ignore[override]
        if not isinstance(request.user, User) or not (request.user.is_active and request.user.is_staff):
            return False
        require_scope(request, required_scope(request.method or "", view))
        return True


def required_scope(method: str, view: "ApiMixin") -> Scope:
    return view.read_scope if method in SAFE_METHODS else view.write_scope


def grants(request: Request, scope: Scope) -> bool:
    """Whether the key may do this; logged-in staff may."""
    return not isinstance(request.auth, ApiKey) or request.auth.grants(scope)


def require_scope(request: Request, scope: Scope) -> None:
    """Raises PermissionDenied, which names the scope."""
    if not grants(request, scope):
        raise PermissionDenied(f"This needs an API key with the scope {scope}.", "scope_missing")


def require_permission(user: User, permission: str, doing: str) -> None:
    """As the admin asks for it, whichever way somebody asks. Raises PermissionDenied."""
    if not user.has_perm(permission):
        raise PermissionDenied(f"The member of staff may not {doing}: the permission {permission} is missing.")

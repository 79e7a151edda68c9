"""What the admin pages of every model share."""

from typing import TYPE_CHECKING, Any, ClassVar

from django.http import HttpRequest

from crm.admin_locks import LocksWhatItChanges

if TYPE_CHECKING:  # Unfold has no types; its class extends this one
    from django.contrib.admin import ModelAdmin
else:
    from unfold.admin import ModelAdmin

# What the filters beside a list put behind the name of their field.
LOOKUPS_OF_FILTERS = ("", "__exact", "__id__exact", "__isnull", "__gte", "__lt")


class WorkspaceAdmin(LocksWhatItChanges, ModelAdmin):  # type: ignore[type-arg]
    """Locks what it changes, and narrows a list by its own filters alone.

    Django would take any look-up of any field from the address, so that `?secret__regex=` would tell a secret letter
    by letter, and a slow expression would keep a web process busy.
    """

    extra_lookups: ClassVar[tuple[str, ...]] = ()  # in addresses that other pages link to

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        if request is None:
            return False
        filters: Any = self.get_list_filter(request)
        fields = [given if isinstance(given, str) else given[0] for given in filters]
        return lookup in self.extra_lookups or lookup in (f + end for f in fields for end in LOOKUPS_OF_FILTERS)

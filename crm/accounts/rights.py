"""Decide which rights somebody may give.

Nobody gives rights that they lack, or gets them by taking over an account or a group that has them.
"""

from django.contrib.auth.models import Group, Permission
from django.db.models import Q, QuerySet

from crm.accounts.models import User


def permissions_to_give(giver: User) -> QuerySet[Permission]:
    """Return the permissions that this member of staff has, and so may give."""
    return Permission.objects.all() if giver.is_superuser else _permissions_of(giver)


def groups_to_give(giver: User) -> QuerySet[Group]:
    """Return the groups that hold no permission beyond those that this member of staff has."""
    beyond = Permission.objects.exclude(pk__in=permissions_to_give(giver).values("pk"))
    return Group.objects.exclude(permissions__in=beyond)


def may_change_account(giver: User, account: User) -> bool:
    """Return whether the giver has every right of the account, which may be inactive."""
    if giver.is_superuser:
        return True
    return not account.is_superuser and _has_all(giver, _permissions_of(account))


def may_change_group(giver: User, group: Group) -> bool:
    """Return whether the giver has every permission of the group."""
    return _has_all(giver, group.permissions.all())


def _has_all(giver: User, permissions: QuerySet[Permission]) -> bool:
    return not permissions.exclude(pk__in=permissions_to_give(giver).values("pk")).exists()


def _permissions_of(account: User) -> QuerySet[Permission]:
    """Read the permissions from the database, because Django gives an inactive account none."""
    given = Q(pk__in=account.user_permissions.values("pk"))
    return Permission.objects.filter(given | Q(group__in=account.groups.all())).distinct()

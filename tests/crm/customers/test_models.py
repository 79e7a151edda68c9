import pytest
from django.contrib.auth.models import Permission
from django.db import IntegrityError
from django.db.models import ProtectedError

from crm.models import Customer, Interaction
from tests.support.factories import CustomerFactory, InteractionFactory, UserFactory

pytestmark = pytest.mark.django_db


def test_an_external_id_is_unique_per_source() -> None:
    CustomerFactory(source="shop", external_id="7")
    CustomerFactory(source="till", external_id="7")
    CustomerFactory.create_batch(2, source="shop", external_id="")
    with pytest.raises(IntegrityError):
        CustomerFactory(source="shop", external_id="7")


def test_an_unknown_kind_of_interaction_is_refused() -> None:
    with pytest.raises(IntegrityError):
        InteractionFactory(kind="seance")


def test_public_ids_differ() -> None:
    first, second = CustomerFactory.create_batch(2)
    with pytest.raises(IntegrityError):
        Customer.objects.filter(pk=second.pk).update(uuid=first.uuid)


def test_staff_see_their_own_customers_and_those_nobody_owns() -> None:
    me, colleague = UserFactory(), UserFactory()
    mine, free = CustomerFactory(owner=me), CustomerFactory(owner=None)
    CustomerFactory(owner=colleague)
    assert set(Customer.objects.visible_to(me)) == {mine, free}


def test_a_permission_shows_every_customer() -> None:
    me = UserFactory()
    me.user_permissions.add(Permission.objects.get(codename="view_every_customer"))
    theirs = CustomerFactory(owner=UserFactory())
    assert list(Customer.objects.visible_to(me)) == [theirs]


@pytest.mark.parametrize(
    "account", [{"is_staff": False}, {"is_active": False}, {"is_staff": False, "is_superuser": True}]
)
def test_others_see_nobody(account: dict[str, bool]) -> None:
    CustomerFactory()
    assert not Customer.objects.visible_to(UserFactory(**account)).exists()


def test_interactions_are_visible_with_their_customer() -> None:
    me, colleague = UserFactory(), UserFactory()
    interaction = InteractionFactory(customer__owner=me, staff=colleague)
    assert list(Interaction.objects.visible_to(me)) == [interaction]
    assert not Interaction.objects.visible_to(colleague).exists()


def test_deleting_an_account_keeps_interactions() -> None:
    user = UserFactory()
    interaction = InteractionFactory(staff=user)
    user.delete()
    interaction.refresh_from_db()
    assert interaction.staff is None


def test_an_account_cannot_be_deleted_while_it_owns_customers() -> None:
    """Customers without an owner would be visible to every member of staff."""
    customer = CustomerFactory(owner=UserFactory())
    with pytest.raises(ProtectedError):
        customer.owner.delete()
    assert not Customer.objects.visible_to(UserFactory()).exists()

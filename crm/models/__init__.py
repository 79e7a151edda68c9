from crm.models.consent import AppendOnly, Consent
from crm.models.customer import Customer
from crm.models.interaction import Interaction
from crm.models.user import User

__all__ = ["AppendOnly", "Consent", "Customer", "Interaction", "User"]

from crm.models.api_keys import ApiKey, Scope
from crm.models.consent import AppendOnly, Consent
from crm.models.customer import Customer
from crm.models.idempotency import IdempotentRequest
from crm.models.interaction import Interaction
from crm.models.user import User

__all__ = ["ApiKey", "AppendOnly", "Consent", "Customer", "IdempotentRequest", "Interaction", "Scope", "User"]

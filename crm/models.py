"""List the models of the CRM, for Django and for other apps."""

from crm.accounts.models import User
from crm.api.models import AnswerSubject, IdempotentRequest
from crm.api_keys.models import ApiKey, Scope
from crm.append_only import AppendOnly
from crm.consents.models import Consent
from crm.customers.models import Customer
from crm.interactions.models import Interaction
from crm.webhooks.models.deliveries import DeliveryAttempt, WebhookDelivery, WebhookMessage
from crm.webhooks.models.endpoints import WebhookEndpoint

__all__ = [
    "AnswerSubject",
    "ApiKey",
    "AppendOnly",
    "Consent",
    "Customer",
    "DeliveryAttempt",
    "IdempotentRequest",
    "Interaction",
    "Scope",
    "User",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WebhookMessage",
]

from crm.models.api_keys import ApiKey, Scope
from crm.models.consent import AppendOnly, Consent
from crm.models.customer import Customer
from crm.models.idempotency import AnswerSubject, IdempotentRequest
from crm.models.interaction import Interaction
from crm.models.user import User
from crm.models.webhook_deliveries import DeliveryAttempt, DeliveryClaim, WebhookDelivery, WebhookMessage
from crm.models.webhook_endpoints import WebhookEndpoint
from crm.models.workers import WorkerHeartbeat

__all__ = [
    "AnswerSubject",
    "ApiKey",
    "AppendOnly",
    "Consent",
    "Customer",
    "DeliveryAttempt",
    "DeliveryClaim",
    "IdempotentRequest",
    "Interaction",
    "Scope",
    "User",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WebhookMessage",
    "WorkerHeartbeat",
]

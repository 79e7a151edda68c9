"""Emit the CRM's own events, whether a page, a service or the API made the change."""

from typing import Any

from django.db.models.signals import post_delete, post_save

from crm.api.models import IdempotentRequest
from crm.consents.models import Consent
from crm.customers.models import Customer
from crm.signals import consent_recorded, deletion_locked
from crm.webhooks.event_types import register
from crm.webhooks.events import emit
from crm.webhooks.models.deliveries import WebhookMessage
from crm.webhooks.models.endpoints import WebhookEndpoint
from crm.webhooks.references import customer_identity, customer_reference

CUSTOMER_CREATED = "customer.created"
CUSTOMER_UPDATED = "customer.updated"
CUSTOMER_DELETED = "customer.deleted"
CONSENT_CHANGED = "consent.changed"


def connect() -> None:
    register(
        {
            CUSTOMER_CREATED: "A customer was added",
            CUSTOMER_UPDATED: "A customer was changed",
            CUSTOMER_DELETED: "A customer was deleted",
            CONSENT_CHANGED: "A customer gave or withdrew a consent",
        }
    )
    post_save.connect(on_customer_saved, sender=Customer, dispatch_uid="crm.webhooks.customer_saved")
    post_delete.connect(on_customer_deleted, sender=Customer, dispatch_uid="crm.webhooks.customer_deleted")
    consent_recorded.connect(on_consent, dispatch_uid="crm.webhooks.consent")
    deletion_locked.connect(forget_messages, sender=Customer, dispatch_uid="crm.webhooks.forget_messages")
    post_delete.connect(forget_answers, sender=WebhookEndpoint, dispatch_uid="crm.webhooks.forget_answers")


def on_customer_saved(instance: Customer, created: bool, raw: bool, **_: Any) -> None:
    if not raw:
        event_type = CUSTOMER_CREATED if created else CUSTOMER_UPDATED
        emit(event_type, instance, {"customer": customer_reference(instance), "updated_at": instance.updated_at})


def on_customer_deleted(instance: Customer, **_: Any) -> None:
    emit(CUSTOMER_DELETED, instance, {"customer": customer_identity(instance)})


def on_consent(consent: Consent, **_: Any) -> None:
    said = {
        "id": str(consent.uuid),
        "scope": consent.scope,
        "granted": consent.granted,
        "notice_version": consent.notice_version,
        "obtained_by": consent.obtained_by,
        "recorded_at": consent.recorded_at,
    }
    emit(CONSENT_CHANGED, consent.customer, {"customer": customer_reference(consent.customer), "consent": said})


def forget_messages(pks: list[int], **_: Any) -> None:
    """Delete all messages about these customers in the transaction that deletes the customers."""
    WebhookMessage.objects.about(Customer._base_manager.filter(pk__in=pks).values_list("uuid", flat=True)).forget()


def forget_answers(instance: WebhookEndpoint, **_: Any) -> None:
    """Delete the stored API answers that describe this webhook."""
    IdempotentRequest.objects.forget_answers_about([instance.uuid])

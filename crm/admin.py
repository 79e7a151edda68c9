"""List the admin pages of the CRM, for Django.

Every member of staff may work with the customers whom `visible_to` shows them. Deleting, and managing accounts, need
Django's permissions.
"""

from crm.accounts import admin as accounts
from crm.api_keys import admin as api_keys
from crm.consents import admin as consents
from crm.customers import admin as customers
from crm.interactions import admin as interactions
from crm.webhooks import admin as webhooks

__all__ = ["accounts", "api_keys", "consents", "customers", "interactions", "webhooks"]

"""Configure Django REST framework and its companions, for config/settings.py."""

from typing import Any

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "crm.api.authentication.ApiKeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["crm.api.permissions.HasScope"],
    "DEFAULT_PARSER_CLASSES": ["crm.api.parsers.MarkedJSONParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "crm.api.negotiation.ContentNegotiation",
    "DEFAULT_RENDERER_CLASSES": [
        "rest_framework.renderers.JSONRenderer",
        "rest_framework.renderers.BrowsableAPIRenderer",
    ],
    "DEFAULT_FILTER_BACKENDS": [
        "django_filters.rest_framework.DjangoFilterBackend",
        "crm.api.filters.StrictSearchFilter",
        "crm.api.ordering.StrictOrderingFilter",
    ],
    "DEFAULT_PAGINATION_CLASS": "crm.api.pagination.CursorPagination",
    "DEFAULT_SCHEMA_CLASS": "crm.api.schema.ApiSchema",
    "DEFAULT_METADATA_CLASS": "crm.api.metadata.AllowedMethods",
    "EXCEPTION_HANDLER": "drf_standardized_errors.handler.exception_handler",
    "URL_FORMAT_OVERRIDE": None,
}
DRF_STANDARDIZED_ERRORS = {
    "EXCEPTION_HANDLER_CLASS": "crm.api.problems.ProblemHandler",
    "EXCEPTION_FORMATTER_CLASS": "crm.api.problems.ProblemFormatter",
}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Rapport",
    "DESCRIPTION": "Customers, photos taken during interactions, and how the customers' faces appear to feel.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PUBLIC": True,
    "COMPONENT_SPLIT_REQUEST": True,
    "GET_LIB_DOC_EXCLUDES": "crm.api.schema.classes_without_description",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "crm.api.schema.forget_database_ranges",
        "crm.api.schema.forbid_unknown_fields",
        "crm.api.schema.forbid_blank_texts",
        "crm.api.schema.forbid_empty_parameters",
        "crm.api.links.add_links",
        "crm.api.schema.add_problems",
    ],
    # Names for the values of fields that share a name but not their values.
    "ENUM_NAME_OVERRIDES": {
        "BulkStatus": "crm.customers.bulk.STATUSES",
        "ConsentScope": "crm.consents.models.Consent.Scope",
        "ConsentObtainedBy": "crm.consents.models.Consent.ObtainedBy",
        "DeliveryStatus": "crm.webhooks.models.deliveries.WebhookDelivery.Status",
        "Emotion": "emotions.answers.api.filters.EMOTION_CHOICES",
        "EmotionOrUncertain": "emotions.answers.api.filters.ANSWER_CHOICES",
        "SnapshotStatus": "emotions.snapshots.models.Snapshot.Status",
    },
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "validatorUrl": None},  # which would be another host
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

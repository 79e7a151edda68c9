"""Serve a customer's timeline to other systems."""

from __future__ import annotations

import uuid

from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from crm.api.fields import UtcDateTimeField
from crm.api.pagination import CursorPagination
from crm.api.serializers import StrictSerializer
from crm.api.views import ApiMixin
from crm.interactions.api import InteractionSerializer
from crm.models import Customer, Scope
from emotions.timeline.api.queries import KINDS, Cursor, Kind, Timeline
from emotions.uploads.api.serializers import SnapshotSerializer


class TimelineQuerySerializer(serializers.Serializer[None]):
    type = serializers.ChoiceField(list(KINDS), required=False, help_text="Only entries of this type.")
    at_after = UtcDateTimeField(required=False)
    at_before = UtcDateTimeField(required=False)


class TimelineEntrySerializer(StrictSerializer):
    type = serializers.ChoiceField(list(KINDS))
    at = UtcDateTimeField(help_text="When the interaction took place, or the photo was taken.")
    interaction = InteractionSerializer(allow_null=True, help_text="Of an interaction; else null.")
    snapshot = SnapshotSerializer(allow_null=True, help_text="Of a snapshot; else null.")


class TimelinePageSerializer(serializers.Serializer[None]):
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = TimelineEntrySerializer(many=True)


class TimelineView(ApiMixin, APIView):
    """Serve one customer's timeline."""

    read_scope, write_scope = Scope.RESULTS_READ, Scope.RESULTS_WRITE
    query_parameters = ("cursor", "page_size", "type", "at_after", "at_before")

    @extend_schema(
        operation_id="customers_timeline",
        responses=TimelinePageSerializer,
        parameters=[
            TimelineQuerySerializer,
            OpenApiParameter("cursor", OpenApiTypes.STR, description="From `next` or `previous`."),
            OpenApiParameter(
                "page_size",
                {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": CursorPagination.max_page_size,
                    "default": CursorPagination.page_size,
                },
                description=CursorPagination.page_size_query_description,
            ),
        ],
    )
    def get(self, request: Request, id: uuid.UUID) -> Response:
        """Return interactions and snapshots with their results in one list, newest first."""
        query = TimelineQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        page_size, cursor = CursorPagination().get_page_size(request), _cursor(request)
        customer = get_object_or_404(Customer.objects.visible_to(self.user), uuid=id)
        kinds = frozenset({KINDS[query.validated_data["type"]]} if "type" in query.validated_data else Kind)
        bounds = {name: query.validated_data.get(f"at_{name}") for name in ("after", "before")}
        page = Timeline(customer, kinds, **bounds).page(page_size, cursor)
        entries = TimelineEntrySerializer(page.entries, many=True, context={"request": request, "view": self})
        links = {"next": _link(request, page.next), "previous": _link(request, page.previous)}
        return Response({**links, "results": entries.data})


def _cursor(request: Request) -> Cursor | None:
    given = request.query_params.get("cursor")
    try:
        return Cursor.parse(given) if given is not None else None
    except ValueError as error:
        raise NotFound(CursorPagination.invalid_cursor_message, "invalid_cursor") from error


def _link(request: Request, cursor: Cursor | None) -> str | None:
    return replace_query_param(request.build_absolute_uri(), "cursor", str(cursor)) if cursor else None

"""Let other systems add photos and read their state."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiResponse, PolymorphicProxySerializer, extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.mixins import DestroyModelMixin, ListModelMixin, RetrieveModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.viewsets import GenericViewSet

from crm.api.etags import EtagDestroyMixin
from crm.api.permissions import require_permission, require_scope
from crm.api.views import ApiMixin
from crm.models import Interaction, Scope
from emotions.snapshots.models import Snapshot
from emotions.uploads import services
from emotions.uploads.api.problems import NotFailed, problems
from emotions.uploads.api.serializers import SnapshotFilter, SnapshotSerializer, SnapshotsSerializer, for_representation
from emotions.uploads.api.uploads import PhotoParser, UploadSerializer, UploadWithInteractionSerializer
from emotions.uploads.api.waiting import WAIT, seconds_to_wait, wait_until_finished

ONE_OR_SEVERAL = PolymorphicProxySerializer(
    component_name="UploadedSnapshots",
    serializers=[SnapshotSerializer, SnapshotsSerializer],
    resource_type_field_name=None,
)
DELETED_MEANWHILE = "The snapshot was deleted meanwhile."
OF_PHOTOS = ("photos", "consent_obtained_by", "captured_at")  # the other fields are of the interaction
ACCEPTED = {202: OpenApiResponse(ONE_OR_SEVERAL, "Stored, and to be analysed. Of one photo the snapshot, else a list.")}


class SnapshotViews(ApiMixin, GenericViewSet[Snapshot]):
    """Share the settings and answers of all views of snapshots."""

    read_scope, write_scope = Scope.SNAPSHOTS_READ, Scope.SNAPSHOTS_WRITE
    waiting_actions: Sequence[str] = ("create",)
    max_body_bytes = settings.MAX_FORM_BYTES
    post_is_atomic = False  # the services use their own transaction, and none may be open while a POST waits
    queryset = Snapshot.objects.none()  # only the schema uses it
    serializer_class = SnapshotSerializer
    filterset_class = SnapshotFilter
    ordering_fields: Sequence[str] = ("created_at", "captured_at", "finished_at", "changed_at")
    parser_classes = (PhotoParser,)

    def get_queryset(self) -> QuerySet[Snapshot]:
        return for_representation(Snapshot.objects.visible_to(self.user))

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.request.query_params.get("ordering", "").endswith("finished_at"):
            queryset = queryset.exclude(finished_at=None)
        return super().filter_queryset(queryset)

    def allowed_parameters(self, request: Request) -> set[str]:
        return super().allowed_parameters(request) | ({"wait"} if self.action in self.waiting_actions else set())

    def hold(self, data: Any) -> None:
        ids = [row["id"] for row in data.get("results", [data])]
        rows = Snapshot.objects.filter(uuid__in=ids).order_by("pk").select_for_update()
        if len(rows.values_list("pk")) < len(set(ids)):
            raise NotFound(DELETED_MEANWHILE)

    def uploaded(self, snapshots: Sequence[Snapshot], wait: int) -> Response:
        wait_until_finished(snapshots, wait)
        found = {each.pk: each for each in self.get_queryset().filter(pk__in=[each.pk for each in snapshots])}
        if any(each.pk not in found for each in snapshots):
            raise NotFound(DELETED_MEANWHILE)
        serialized = self.get_serializer([found[each.pk] for each in snapshots], many=True).data
        body = serialized[0] if len(snapshots) == 1 else {"results": serialized}
        location = reverse("api-emotions:snapshot-detail", [snapshots[0].uuid], request=self.request)
        return Response(body, status=status.HTTP_202_ACCEPTED, headers={"Location": location})


class SnapshotViewSet(EtagDestroyMixin, SnapshotViews, RetrieveModelMixin, DestroyModelMixin, ListModelMixin):
    """Serve photos of customers and the state of their analysis."""

    waiting_actions = ("create", "retrieve", "retry")

    @extend_schema(
        request={"multipart/form-data": UploadWithInteractionSerializer}, responses=ACCEPTED, parameters=[WAIT]
    )
    def create(self, request: Request) -> Response:
        """Add photos together with the interaction during which they were taken; all or nothing.

        Each request logs a new interaction. Send an Idempotency-Key, so that a repeated request does not.
        """
        wait = seconds_to_wait(request)
        form = UploadWithInteractionSerializer(data=request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        return self.uploaded(self._made_before() or self._make(form.validated_data, make_way=not wait), wait)

    def _made_before(self) -> list[Snapshot]:
        """Return the snapshots of an earlier request with the same Idempotency-Key that died before it could answer."""
        if not (self.claimed and self.claimed.taken_over):
            return []
        made = Snapshot.objects.visible_to(self.user).filter(interaction__uuid=self.derived_uuid("interaction"))
        return list(made.order_by("pk"))

    def _make(self, given: dict[str, Any], make_way: bool) -> list[Snapshot]:
        photos, consent, captured_at = (given.pop(name, None) for name in OF_PHOTOS)
        if consent:
            require_scope(self.request, Scope.CUSTOMERS_WRITE)
        interaction = Interaction(uuid=self.derived_uuid("interaction"), **given)
        with problems():
            return services.log_interaction(
                interaction,
                photos,
                consent_obtained_by=consent,
                by=self.user,
                captured_at=captured_at,
                make_way=make_way,
            )

    @extend_schema(parameters=[WAIT])
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        if wait := seconds_to_wait(request):
            wait_until_finished([self.get_object()], wait)
        return super().retrieve(request, *args, **kwargs)

    def perform_destroy(self, instance: Snapshot) -> None:
        """Delete the snapshot with its photo and results."""
        require_permission(self.user, "emotions.delete_snapshot", "delete snapshots")
        instance.delete()

    @extend_schema(request=None, responses={202: SnapshotSerializer}, parameters=[WAIT])
    @action(["post"], detail=True)
    def retry(self, request: Request, id: uuid.UUID) -> Response:
        """Analyse a failed snapshot again."""
        wait, snapshot = seconds_to_wait(request), self.get_object()
        with problems():
            if not services.retry(snapshot):
                raise NotFailed
        return self.uploaded([snapshot], wait)


class InteractionSnapshotsViewSet(SnapshotViews, ListModelMixin):
    """Serve the photos of one interaction, and add more."""

    def get_queryset(self) -> QuerySet[Snapshot]:
        return super().get_queryset().filter(interaction__uuid=self.kwargs["interaction_id"])

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        self._interaction()
        return super().list(request, *args, **kwargs)

    @extend_schema(request={"multipart/form-data": UploadSerializer}, responses=ACCEPTED, parameters=[WAIT])
    def create(self, request: Request, interaction_id: uuid.UUID) -> Response:
        """Add photos; all or nothing. Adding the same photo to an interaction again gives the same snapshot."""
        wait, interaction = seconds_to_wait(request), self._interaction()
        form = UploadSerializer(data=request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        with problems():
            snapshots = services.add_snapshots(interaction, **form.validated_data, make_way=not wait)
        return self.uploaded(snapshots, wait)

    def _interaction(self) -> Interaction:
        return get_object_or_404(Interaction.objects.visible_to(self.user), uuid=self.kwargs["interaction_id"])

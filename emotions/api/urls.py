"""Route the part of the API that is about photos and their results."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from emotions.corrections.api.views import CorrectionViewSet, EmotionRecordViewSet
from emotions.sentiment.api.views import CustomerSentimentView, CustomersSentimentView, SentimentView
from emotions.timeline.api.views import TimelineView
from emotions.uploads.api.files import FaceView, OriginalView, PreviewView
from emotions.uploads.api.views import InteractionSnapshotsViewSet, SnapshotViewSet

app_name = "api-emotions"
router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("snapshots", SnapshotViewSet, "snapshot")
router.register("interactions/<uuid:interaction_id>/snapshots", InteractionSnapshotsViewSet, "interaction-snapshot")
router.register("records", EmotionRecordViewSet, "record")
router.register("corrections", CorrectionViewSet, "correction")

urlpatterns = [
    path("snapshots/<uuid:id>/photo", OriginalView.as_view(), name="snapshot-photo"),
    path("snapshots/<uuid:id>/preview", PreviewView.as_view(), name="snapshot-preview"),
    path("records/<uuid:id>/face", FaceView.as_view(), name="record-face"),
    path("customers/<uuid:id>/timeline", TimelineView.as_view(), name="customer-timeline"),
    path("customers/<uuid:id>/sentiment", CustomerSentimentView.as_view(), name="customer-sentiment"),
    path("sentiment", SentimentView.as_view(), name="sentiment"),
    path("sentiment/customers", CustomersSentimentView.as_view(), name="sentiment-customers"),
    path("", include(router.urls)),
]

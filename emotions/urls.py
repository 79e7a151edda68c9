"""Route the pages of the workspace, which are below the admin's own address."""

from django.urls import path

from emotions.access import for_managers, for_staff
from emotions.answers import media as faces
from emotions.consents import views as views_consents
from emotions.log import views as views_log
from emotions.model_management import views as views_models
from emotions.review import views as views_review
from emotions.snapshots import media
from emotions.status import views as views_status
from emotions.timeline import card_views
from emotions.timeline import views as views_timeline

app_name = "emotions"
urlpatterns = [
    path("customers/<uuid:public_id>/", for_staff(views_timeline.timeline), name="timeline"),
    path("customers/<uuid:public_id>/sentiment/", for_staff(views_timeline.sentiment_chart), name="sentiment"),
    path("customers/<uuid:public_id>/log/", for_staff(views_log.log), name="log"),
    path(
        "customers/<uuid:public_id>/consent/record/",
        for_staff(views_consents.consent),
        {"granted": True},
        "record_consent",
    ),
    path(
        "customers/<uuid:public_id>/consent/withdraw/",
        for_staff(views_consents.consent),
        {"granted": False},
        "withdraw_consent",
    ),
    path(
        "customers/<uuid:public_id>/consent/training/record/",
        for_staff(views_consents.training_consent),
        {"granted": True},
        "record_training_consent",
    ),
    path(
        "customers/<uuid:public_id>/consent/training/withdraw/",
        for_staff(views_consents.training_consent),
        {"granted": False},
        "withdraw_training_consent",
    ),
    path("snapshots/<uuid:public_id>/", for_staff(card_views.snapshot), name="snapshot"),
    path("snapshots/<uuid:public_id>/retry/", for_staff(card_views.retry), name="retry"),
    path(
        "snapshots/<uuid:public_id>/faces/<int:record_id>/subject/",
        for_staff(card_views.choose_subject),
        name="choose_subject",
    ),
    path("snapshots/<uuid:public_id>/faces/<int:record_id>/correct/", for_staff(card_views.correct), name="correct"),
    path(
        "snapshots/<uuid:public_id>/faces/<int:record_id>/take-back/",
        for_staff(card_views.take_back),
        name="take_back",
    ),
    path("snapshots/<uuid:public_id>/on-timeline/", for_staff(card_views.on_timeline), name="on_timeline"),
    path("snapshots/<uuid:public_id>/preview.jpg", for_staff(media.preview, cacheable=True), name="preview"),
    path("snapshots/<uuid:public_id>/original/", for_staff(media.original, cacheable=True), name="original"),
    path("snapshots/<uuid:public_id>/faces/<int:record_id>.png", for_staff(faces.face, cacheable=True), name="face"),
    path("status/", views_status.status, name="status"),
    path("models/", for_managers(views_models.models), name="models"),
    path("models/<str:folder>/", for_managers(views_models.model), name="model"),
    path("models/<str:folder>/activate/", for_managers(views_models.activation), name="activate_model"),
    path("re-analyses/start/", for_managers(views_models.reanalyse), name="reanalyse"),
    path("re-analyses/<uuid:public_id>/", for_managers(views_models.run), name="reanalysis"),
    path("re-analyses/<uuid:public_id>/stop/", for_managers(views_models.stop), name="stop_reanalysis"),
    path(
        "customers/<uuid:public_id>/re-analyse/",
        for_managers(views_models.reanalyse_customer),
        name="reanalyse_customer",
    ),
    path(
        "snapshots/<uuid:public_id>/re-analyse/",
        for_managers(views_models.reanalyse_snapshot),
        name="reanalyse_snapshot",
    ),
    path("review/", for_staff(views_review.review), name="review"),
    path("review/agreement/", for_staff(views_review.agreement_page), name="agreement"),
    path("review/faces/<int:record_id>/correct/", for_staff(views_review.correct), name="review_correct"),
    path("review/faces/<int:record_id>/take-back/", for_staff(views_review.take_back), name="review_take_back"),
    path("review/faces/<int:record_id>/cannot-tell/", for_staff(views_review.cannot_tell), name="cannot_tell"),
    path("review/faces/<int:record_id>/can-tell/", for_staff(views_review.can_tell), name="can_tell"),
]

"""Route the job page below the admin's address."""

from django.urls import path

from jobs.pages import views

app_name = "jobs"
urlpatterns = [
    path("jobs/", views.for_staff(views.jobs), name="jobs"),
    path("jobs/act/", views.for_staff(views.act), name="act"),
]

"""The URLs of the peer that the settings select."""

from django.conf import settings
from django.urls import include, path

if settings.PEER == "django-scim2":
    urlpatterns = [path("scim/v2/", include("django_scim.urls", namespace="scim"))]
else:
    urlpatterns = [path("scim/v2/", include("django_scim2_server.urls"))]

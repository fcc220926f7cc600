"""Django REST Framework as its documentation has it: models, nested serializers and a view set."""

import os
from urllib.parse import urlsplit

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application

_DATABASE = urlsplit(os.environ["DATABASE_URL"])
settings.configure(
    ALLOWED_HOSTS=["127.0.0.1"],
    DEBUG=False,
    ROOT_URLCONF=__name__,
    TIME_ZONE="UTC",
    USE_TZ=True,
    SECRET_KEY="of a bench",
    INSTALLED_APPS=["rest_framework", "engagements"],
    APPEND_SLASH=False,
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": _DATABASE.path[1:],
            "HOST": _DATABASE.hostname,
            "PORT": _DATABASE.port,
            "USER": _DATABASE.username,
            "CONN_MAX_AGE": None,
            "ATOMIC_REQUESTS": True,
        }
    },
    REST_FRAMEWORK={
        "UNAUTHENTICATED_USER": None,
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    },
)
django.setup()

from django.http import HttpRequest, JsonResponse  # noqa: E402  # it sets itself up first
from django.urls import include, path  # noqa: E402
from engagements.api import EngagementViewSet  # noqa: E402
from rest_framework.routers import SimpleRouter  # noqa: E402


def healthz(_: HttpRequest) -> JsonResponse:
    """Nothing."""
    return JsonResponse({"status": "ok"})


_router = SimpleRouter(trailing_slash=False)
_router.register("engagements", EngagementViewSet, basename="engagement")
urlpatterns = [path("healthz", healthz), path("", include(_router.urls))]
application = get_wsgi_application()

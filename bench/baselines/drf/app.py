"""Django REST Framework as its documentation has it: models, nested serializers, a view set,
one module for the bench.
"""

import hashlib
import os
from typing import Any
from urllib.parse import urlsplit

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application

_DATABASE = urlsplit(os.environ["DATABASE_URL"])
settings.configure(
    ALLOWED_HOSTS=["127.0.0.1"],
    DEBUG=False,
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    SECRET_KEY="of a bench",
    INSTALLED_APPS=["rest_framework"],
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
    APPEND_SLASH=False,
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

from django.db import models  # noqa: E402  # a module of one file sets itself up first
from django.http import HttpRequest, JsonResponse  # noqa: E402
from django.urls import include, path  # noqa: E402
from django.utils import timezone  # noqa: E402
from rest_framework import routers, serializers, viewsets  # noqa: E402
from rest_framework.authentication import BaseAuthentication  # noqa: E402
from rest_framework.decorators import action  # noqa: E402
from rest_framework.exceptions import AuthenticationFailed  # noqa: E402
from rest_framework.pagination import LimitOffsetPagination  # noqa: E402
from rest_framework.permissions import IsAuthenticated  # noqa: E402
from rest_framework.request import Request  # noqa: E402
from rest_framework.response import Response  # noqa: E402


class User(models.Model):
    """A person."""

    display_id = models.TextField(unique=True)
    name = models.TextField()
    email = models.TextField()
    is_authenticated = True

    class Meta:
        app_label = "bench"
        db_table = "users"


class Token(models.Model):
    """What somebody signs in with."""

    digest = models.TextField(primary_key=True)
    user = models.ForeignKey(User, models.CASCADE)
    expires = models.DateTimeField()

    class Meta:
        app_label = "bench"
        db_table = "tokens"


class Account(models.Model):
    """A customer."""

    name = models.TextField()

    class Meta:
        app_label = "bench"
        db_table = "accounts"


class Deal(models.Model):
    """An opportunity."""

    title = models.TextField()
    account = models.ForeignKey(Account, models.CASCADE)

    class Meta:
        app_label = "bench"
        db_table = "deals"


class Tag(models.Model):
    """A tag."""

    name = models.TextField(unique=True)

    class Meta:
        app_label = "bench"
        db_table = "tags"


class Engagement(models.Model):
    """An engagement."""

    title = models.TextField()
    engagement_type = models.TextField()
    description = models.TextField(blank=True)
    external_ref = models.TextField(unique=True, null=True)
    scheduled_date = models.DateTimeField()
    created_by = models.ForeignKey(User, models.CASCADE, related_name="+")
    created_date = models.DateTimeField(default=timezone.now)
    modified_date = models.DateTimeField(auto_now=True)
    members = models.ManyToManyField(User, db_table="engagement_members")
    accounts = models.ManyToManyField(Account, db_table="engagement_accounts")
    deals = models.ManyToManyField(Deal, db_table="engagement_deals")
    tags = models.ManyToManyField(Tag, db_table="engagement_tags")

    class Meta:
        app_label = "bench"
        db_table = "engagements"


class UserSerializer(serializers.ModelSerializer):
    """A person in an answer."""

    id = serializers.CharField(source="display_id")

    class Meta:
        model = User
        fields = ("id", "name", "email")


class AccountSerializer(serializers.ModelSerializer):
    """An account in an answer."""

    class Meta:
        model = Account
        fields = ("id", "name")


class DealSerializer(serializers.ModelSerializer):
    """An opportunity in an answer."""

    class Meta:
        model = Deal
        fields = ("id", "title")


class TagSerializer(serializers.ModelSerializer):
    """A tag in an answer."""

    class Meta:
        model = Tag
        fields = ("id", "name")


class EngagementSerializer(serializers.ModelSerializer):
    """An engagement in an answer."""

    created_by, members = UserSerializer(), UserSerializer(many=True)
    accounts, deals, tags = (
        AccountSerializer(many=True),
        DealSerializer(many=True),
        TagSerializer(many=True),
    )

    class Meta:
        model = Engagement
        fields = ("id", "title", "engagement_type", "description", "external_ref", "scheduled_date", "created_date",
                  "modified_date", "created_by", "members", "accounts", "deals", "tags")  # fmt: skip


class TagRefSerializer(serializers.Serializer):
    """A tag by id."""

    id = serializers.CharField()


class NewEngagementSerializer(serializers.ModelSerializer):
    """What a client sends."""

    members = serializers.SlugRelatedField(
        slug_field="display_id", queryset=User.objects.all(), many=True
    )
    parents = serializers.ListField(child=serializers.CharField(), required=False)
    tags = TagRefSerializer(many=True, required=False)

    class Meta:
        model = Engagement
        fields = ("title", "engagement_type", "description", "external_ref", "scheduled_date", "members", "parents",
                  "tags")  # fmt: skip

    def create(self, validated: dict[str, Any]) -> Engagement:
        """Record one."""
        members, parents = validated.pop("members"), validated.pop("parents", [])
        tags = [_number(tag["id"]) for tag in validated.pop("tags", [])]
        engagement = Engagement.objects.create(**validated)
        engagement.members.set(members)
        engagement.accounts.set(
            _known(Account, [_number(id_) for id_ in parents if id_.startswith("ACC")])
        )
        engagement.deals.set(
            _known(Deal, [_number(id_) for id_ in parents if id_.startswith("OPP")])
        )
        engagement.tags.set(_known(Tag, tags))
        return engagement


class TokenAuthentication(BaseAuthentication):
    """Signs in by a bearer token."""

    def authenticate(self, request: Request) -> tuple[User, Token]:
        """Whose token it is."""
        text = request.headers.get("authorization", "").removeprefix("Bearer ")
        digest = hashlib.sha256(text.encode()).hexdigest()
        found = (
            Token.objects.select_related("user")
            .filter(digest=digest, expires__gt=timezone.now())
            .first()
        )
        if found is None:
            raise AuthenticationFailed("unknown token")
        return found.user, found


class Pages(LimitOffsetPagination):
    """Pages without a count of all, as others have none either."""

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> Any:
        """A page."""
        return list(queryset[: self.get_limit(request) or 50])

    def get_paginated_response(self, data: Any) -> Response:
        """A page as it is answered."""
        return Response({"engagements": data})


_FILTERS: dict[str, Any] = {
    "account": lambda value: {"accounts": _number(value)},
    "member": lambda value: {"members__display_id": value},
    "tag": lambda value: {"tags": _number(value)},
    "author": lambda value: {"created_by__display_id": value},
    "type": lambda value: {"engagement_type": value},
    "external_ref": lambda value: {"external_ref": value},
}


class EngagementViewSet(viewsets.ModelViewSet):
    """The engagements."""

    authentication_classes = (TokenAuthentication,)
    permission_classes = (IsAuthenticated,)
    pagination_class = Pages

    def get_queryset(self) -> Any:
        """Those that match, in the order that is asked for."""
        asked = self.request.query_params
        found = Engagement.objects.all()
        for name, condition in _FILTERS.items():
            if name in asked:
                found = found.filter(**condition(asked[name]))
        order = [asked[name] for name in ("sort", "then") if name in asked] or ["-created_date"]
        return (
            found.order_by(*order)
            .select_related("created_by")
            .prefetch_related("members", "accounts", "deals", "tags")
        )

    def get_serializer_class(self) -> type[serializers.ModelSerializer]:
        """One to read what is sent, and one to answer."""
        return NewEngagementSerializer if self.action == "create" else EngagementSerializer

    def create(self, request: Request) -> Response:
        """Record one."""
        new = self.get_serializer(data=request.data)
        new.is_valid(raise_exception=True)
        made = new.save(created_by=request.user)
        return Response(EngagementSerializer(self.get_queryset().get(pk=made.pk)).data, status=201)

    @action(detail=False)
    def count(self, _: Request) -> Response:
        """How many match."""
        return Response({"count": self.get_queryset().order_by().count()})


def healthz(_: HttpRequest) -> JsonResponse:
    """Nothing."""
    return JsonResponse({"status": "ok"})


def _known(model: Any, numbers: list[int]) -> list[Any]:
    """Everything that is wanted."""
    found = list(model.objects.filter(pk__in=numbers)) if numbers else []
    if len(found) != len(set(numbers)):
        raise serializers.ValidationError(f"not all of these are known: {numbers}")
    return found


def _number(id_: str) -> int:
    return int(id_.partition("-")[2])


_router = routers.SimpleRouter(trailing_slash=False)
_router.register("engagements", EngagementViewSet, basename="engagement")
urlpatterns = [path("healthz", healthz), path("", include(_router.urls))]
application = get_wsgi_application()

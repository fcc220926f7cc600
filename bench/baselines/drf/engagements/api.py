"""What is answered: nested serializers and a view set."""

import hashlib
from typing import Any

from django.utils import timezone
from rest_framework import serializers, viewsets
from rest_framework.authentication import BaseAuthentication
from rest_framework.decorators import action
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from engagements.models import Account, Deal, Engagement, Tag, Token, User


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

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> Any:  # noqa: ARG002
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


def _known(model: Any, numbers: list[int]) -> list[Any]:
    """Everything that is wanted."""
    found = list(model.objects.filter(pk__in=numbers)) if numbers else []
    if len(found) != len(set(numbers)):
        raise serializers.ValidationError(f"not all of these are known: {numbers}")
    return found


def _number(id_: str) -> int:
    return int(id_.partition("-")[2])

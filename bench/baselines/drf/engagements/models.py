"""The tables."""

from django.db import models
from django.utils import timezone


class User(models.Model):
    """A person."""

    display_id = models.TextField(unique=True)
    name = models.TextField()
    email = models.TextField()
    is_authenticated = True

    class Meta:
        db_table = "users"


class Token(models.Model):
    """What somebody signs in with."""

    digest = models.TextField(primary_key=True)
    user = models.ForeignKey(User, models.CASCADE)
    expires = models.DateTimeField()

    class Meta:
        db_table = "tokens"


class Account(models.Model):
    """A customer."""

    name = models.TextField()

    class Meta:
        db_table = "accounts"


class Deal(models.Model):
    """An opportunity."""

    title = models.TextField()
    account = models.ForeignKey(Account, models.CASCADE)

    class Meta:
        db_table = "deals"


class Tag(models.Model):
    """A tag."""

    name = models.TextField(unique=True)

    class Meta:
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
        db_table = "engagements"

"""A request for each method that the demo org can answer: the OpenAPI document and the reference show it."""

from rapport.contract.kit.fields import Json
from rapport.contract.kit.method import Method
from rapport.wire.schemas import resolve

_EXAMPLES: dict[str, Json] = {
    "accounts.create": {"display_name": "Globex", "domains": ["globex.example"], "tier": "enterprise"},
    "accounts.delete": {"id": "ACC-12345"},
    "accounts.list": {"limit": 3, "sort_by": ["created_date:desc"]},
    "accounts.update": {"id": "ACC-12345", "tier": "growth", "websites": {"set": ["https://globex.example"]}},
    "auth-tokens.create": {"token_hint": "nightly export", "scope": "engagement:read tag:read", "expires_in": 30},
    "auth-tokens.delete": {"token_id": "TOKEN-2"},
    "auth-tokens.get": {"token_id": "TOKEN-1"},
    "auth-tokens.update": {"token_id": "TOKEN-1", "token_hint": "my laptop"},
    "dev-users.create": {"email": "ada@example.com", "full_name": "Ada Lovelace", "state": "shadow"},
    "engagements.count": {"type": ["call"]},
    # The documentation's own example, word for word.
    "engagements.create": {
        "members": ["DEVU-12345"],
        "scheduled_date": "2023-01-01T12:00:00.000Z",
        "title": "Discuss the quarterly roadmap",
    },
    "engagements.delete": {"id": "ENGAGEMENT-2"},
    "engagements.get": {"id": "ENGAGEMENT-1"},
    "engagements.list": {"members": ["DEVU-12345"], "limit": 3},
    "engagements.update": {"id": "ENGAGEMENT-1", "description": "They want the summary by Friday."},
    "events.list": {"limit": 3},
    "links.create": {"link_type": "is_related_to", "source": "ACC-12345", "target": "OPP-1"},
    "links.delete": {"id": "LINK-1"},
    "links.get": {"id": "LINK-1"},
    "links.list": {"object": "ACC-12345"},
    "links.replace": {"id": "LINK-1", "link_type": "is_part_of", "source": "OPP-1", "target": "ACC-12345"},
    "rev-orgs.create": {"display_name": "Globex West", "account": "ACC-12345"},
    "rev-orgs.delete": {"id": "REV-1"},
    "rev-orgs.get": {"account": "ACC-12345"},
    "rev-orgs.update": {"id": "REV-1", "description": "The workspace of the main office."},
    "rev-users.create": {"display_name": "Grace Hopper", "email": "grace@example.com", "account": "ACC-12345"},
    "rev-users.delete": {"id": "REVU-1"},
    "rev-users.get": {"id": "REVU-1"},
    "rev-users.update": {"id": "REVU-1", "phone_numbers": ["+15550100"]},
    "service-accounts.create": {"display_name": "Nightly import"},
    "tags.create": {"name": "renewal", "allowed_values": ["at risk", "likely", "signed"]},
    "timeline-entries.create": {"object": "ENGAGEMENT-1", "type": "timeline_comment", "body": "They want two years."},
    "timeline-entries.delete": {"id": "COMMENT-1"},
    "timeline-entries.get": {"id": "COMMENT-1"},
    "timeline-entries.list": {"object": "ENGAGEMENT-1", "limit": 3},
    "timeline-entries.update": {"id": "COMMENT-1", "type": "timeline_comment", "body": "They want three years."},
    "webhook-deliveries.list": {"status": ["failed"], "limit": 3},
    "webhook-deliveries.redeliver": {"id": "DELIVERY-1"},
    "webhooks.create": {"url": "https://hooks.invalid/rapport", "event_types": ["work_created"]},
    "webhooks.delete": {"id": "WEBHOOK-1"},
    "webhooks.fetch": {"id": "WEBHOOK-1", "object": "ACC-12345"},
    "webhooks.get": {"id": "WEBHOOK-1"},
    "webhooks.list": {},
    "webhooks.update": {"id": "WEBHOOK-1", "event_types": {"add": ["work_deleted"]}},
    "works.create": {
        "type": "opportunity",
        "title": "Renewal for next year",
        "account": "ACC-12345",
        "applies_to_part": "PROD-1",
        "owned_by": ["DEVU-12345"],
    },
    "works.delete": {"id": "OPP-1"},
    "works.get": {"id": "OPP-1"},
    "works.list": {"type": ["opportunity"], "limit": 3},
    "works.update": {"id": "OPP-1", "stage": {"name": "negotiation"}, "tags": {"add": [{"id": "TAG-12345"}]}},
}


def example(method: Method, schemas: dict[str, Json]) -> Json:
    """A request that the method takes.

    Args:
        method: whose.
        schemas: the document's components, for methods that have no example of their own.
    """
    if method.name in _EXAMPLES:
        return _EXAMPLES[method.name]
    schema = schemas[method.request.__name__]
    if "limit" in schema["properties"] and not schema.get("required"):
        return {"limit": 3}
    return {name: _value(schema["properties"][name], schemas) for name in schema.get("required", [])}


def _value(schema: Json, schemas: dict[str, Json]) -> object:
    schema = resolve(schema, schemas)
    for choices in ("examples", "enum"):
        if choices in schema:
            return schema[choices][0]
    match schema.get("type"):
        case "array":
            return [_value(schema["items"], schemas)]
        case "object":
            return {name: _value(schema["properties"][name], schemas) for name in schema.get("required", [])}
        case "boolean":
            return True
        case "integer":
            return schema.get("minimum", 1)
    return "text"

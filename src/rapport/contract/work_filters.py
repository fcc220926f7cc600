"""Filters for works that are not kept here, and for what none has: they are checked, and match
nothing.
"""

from typing import Literal

from rapport.contract.kit.fields import (
    UNSET,
    DateFilter,
    Int64,
    Many,
    Opaque,
    Request,
    Shorts,
    UnsetType,
)
from rapport.contract.work_values import IssuePriority


class SlaSummaryFilter(Request):
    """Where an SLA stands."""

    stage: Many[Literal["breached", "completed", "paused", "running", "warning"]] | UnsetType = (
        UNSET
    )
    target_time: DateFilter | UnsetType = UNSET


class WorksFilterIssue(Request):
    """Filters for issues. None are kept here, so whatever is asked of them matches nothing."""

    accounts: Many[Opaque] | UnsetType = UNSET
    actual_start_date: DateFilter | UnsetType = UNSET
    group: Many[Opaque] | UnsetType = UNSET
    priority: Many[IssuePriority] | UnsetType = UNSET
    priority_v2: Many[Int64] | UnsetType = UNSET
    rev_orgs: Many[Opaque] | UnsetType = UNSET
    sla_summary: SlaSummaryFilter | UnsetType = UNSET
    sprint: Many[Opaque] | UnsetType = UNSET
    subtype: Shorts | UnsetType = UNSET
    target_start_date: DateFilter | UnsetType = UNSET


class SurveyAggregationFilter(Request):
    """Nothing."""


class WorksFilterTicket(Request):
    """Filters for tickets. None are kept here, so whatever is asked of them matches nothing."""

    account: Many[Opaque] | UnsetType = UNSET
    brand: Many[Opaque] | UnsetType = UNSET
    channels: Many[Literal["email", "plug", "slack", "twilio", "twilio_sms"]] | UnsetType = UNSET
    channels_v2: Many[Opaque] | UnsetType = UNSET
    group: Many[Opaque] | UnsetType = UNSET
    is_frozen: bool | UnsetType = UNSET
    is_spam: bool | UnsetType = UNSET
    needs_response: bool | UnsetType = UNSET
    rev_org: Many[Opaque] | UnsetType = UNSET
    severity: Many[Literal["blocker", "high", "low", "medium"]] | UnsetType = UNSET
    sla_summary: SlaSummaryFilter | UnsetType = UNSET
    source_channel: Shorts | UnsetType = UNSET
    source_channel_v2: Many[Opaque] | UnsetType = UNSET
    subtype: Shorts | UnsetType = UNSET
    surveys: SurveyAggregationFilter | UnsetType = UNSET
    visibility: Many[Int64] | UnsetType = UNSET


class StagedInfoFilter(Request):
    """Whether the work waits to be synced; nothing here does."""

    is_staged: bool | UnsetType = UNSET


class SyncInFilter(Request):
    """How the last sync into DevRev went."""

    status: Many[Literal["failed", "modified", "staged", "succeeded"]] | UnsetType = UNSET
    sync_date: DateFilter | UnsetType = UNSET
    sync_history: Many[Opaque] | UnsetType = UNSET
    sync_unit: Many[Opaque] | UnsetType = UNSET


class SyncOutFilter(Request):
    """How the last sync out of DevRev went."""

    status: Many[Literal["failed", "modified", "succeeded"]] | UnsetType = UNSET
    sync_date: DateFilter | UnsetType = UNSET
    sync_history: Many[Opaque] | UnsetType = UNSET
    sync_unit: Many[Opaque] | UnsetType = UNSET


class SyncMetadataFilter(Request):
    """Where an object was synced from. Nothing is synced here, so whatever is asked matches
    nothing.
    """

    external_reference: Shorts | UnsetType = UNSET
    last_sync_in: SyncInFilter | UnsetType = UNSET
    last_sync_out: SyncOutFilter | UnsetType = UNSET
    origin_system: Shorts | UnsetType = UNSET

"""Artifacts: prepare an upload, find, locate the bytes, and the versions of a file."""

import re
from collections.abc import Sequence

import msgspec

from rapport.auth.caller import Caller, allows
from rapport.blobs.signed_urls import UploadUrl, VersionPlace
from rapport.clock import format_rfc3339
from rapport.contract import artifacts as contract
from rapport.contract.kit import ids, verbatim
from rapport.contract.kit.errors import NotFound, ValueNotPermitted
from rapport.contract.kit.fields import UNSET, UnsetType
from rapport.contract.kit.ids import ArtifactId, ArtifactParentId
from rapport.contract.users import ArtifactFile
from rapport.operations.kit.atoms import atom, authors
from rapport.operations.kit.changes import SYSTEM, tell_created, tell_deleted
from rapport.operations.kit.context import Context, handles
from rapport.operations.kit.finding import find
from rapport.operations.kit.listing import cursors, read_walk
from rapport.operations.kit.optional import chosen, or_unset
from rapport.operations.kit.refusals import quoted, unknown_id
from rapport.operations.kit.showing import is_shown, shown, shows, touching
from rapport.store import artifact_cleaning, summaries, timeline_entries
from rapport.store import artifacts as store
from rapport.store.artifacts import ArtifactRow, VersionKey, VersionRow
from rapport.store.kit import numbers, query
from rapport.store.kit.db import Tx
from rapport.store.kit.filters import Filter

_VERSION = re.compile(r"[1-9][0-9]{0,17}")


@handles(contract.PREPARE)
async def prepare(
    ctx: Context, request: contract.ArtifactsPrepareRequest
) -> contract.ArtifactsPrepareResponse:
    """Make an artifact whose bytes are still to come."""
    number = await numbers.take_one(ctx.tx, ids.ARTIFACT, ctx.org)
    by, declared = ctx.caller.user_id, chosen(request.file_type, None) or None
    row = ArtifactRow(
        org=ctx.org,
        number=number,
        parent=None,
        file_name=request.file_name,
        file_type=declared,
        size=None,
        declared_type=declared,
        configuration_set=chosen(request.configuration_set, None),
        current_version=None,
        last_version=0,
        created_by=by,
        created_date=ctx.now,
        modified_by=by,
        modified_date=ctx.now,
    )
    await store.insert(ctx.tx, row)
    signed = await _new_version(ctx, number, 1)
    await tell_created(ctx, ids.ARTIFACT.display_id(number))
    return contract.ArtifactsPrepareResponse(
        id=ids.don(ids.ARTIFACT, ctx.org, number), url=signed.url, form_data=_form_data(signed)
    )


@handles(contract.VERSIONS_PREPARE)
async def prepare_version(
    ctx: Context, request: contract.ArtifactsVersionsPrepareRequest
) -> contract.ArtifactsVersionsPrepareResponse:
    """Make a version whose bytes are still to come; until then the one before stays the newest."""
    row = await _locked(ctx, request.id)
    async with touching(ctx, [request.id.display_id]):
        signed = await _new_version(ctx, row.number, row.last_version + 1)
    return contract.ArtifactsVersionsPrepareResponse(
        id=ids.don(ids.ARTIFACT, ctx.org, row.number), url=signed.url, form_data=_form_data(signed)
    )


async def _new_version(ctx: Context, number: int, version: int) -> UploadUrl:
    await store.add_version(
        ctx.tx, VersionKey(ctx.org, number, version), ctx.caller.user_id, ctx.now
    )
    return ctx.tools.urls.upload(
        VersionPlace(ctx.org, number, version), origin=ctx.caller.origin, now=ctx.now
    )


def _form_data(signed: UploadUrl) -> list[contract.FormField]:
    return [contract.FormField(key=key, value=value) for key, value in signed.fields.items()]


async def _locked(ctx: Context, id_: ArtifactId) -> ArtifactRow:
    """The artifact that a method changes; for these the documentation lists no 404.

    Raises:
        InvalidId: there is none.
    """
    row = await find(ctx, id_, store.lock)
    if row is None or await _seen(ctx, id_) is None:
        raise unknown_id("id", id_)
    return row


async def _seen(ctx: Context, id_: ArtifactId) -> ArtifactRow | None:
    """An artifact that the caller may see."""
    if not id_.belongs_to(ctx.org):
        return None
    where = _seen_by(ctx)
    return next(iter(await query.numbered(ctx.tx, where, [id_.number])), None)


def _seen_by(ctx: Context) -> Filter[ArtifactRow]:
    """What the caller may see; of what is deleted, only engagements and meetings keep files."""
    deleted = [
        kind for kind in (ids.ENGAGEMENT, ids.MEETING) if allows(ctx.caller, f"{kind.name}:all")
    ]
    return store.seen_by(ctx.org, ctx.caller.user_id, deleted=deleted)


@handles(contract.VERSIONS_DELETE)
async def delete_version(
    ctx: Context, request: contract.ArtifactsVersionsDeleteRequest
) -> contract.ArtifactsVersionsDeleteResponse:
    """Delete a version and its bytes. The artifact stays, and stays bound, even without any."""
    row = await _locked(ctx, request.id)
    version = await _version(ctx, row, request.version)
    if version is None:
        asked = (
            "one that was uploaded"
            if isinstance(request.version, UnsetType)
            else quoted(request.version)
        )
        raise ValueNotPermitted(
            f"version: {request.id.display_id} has no version {asked}.",
            detail="Give a version that artifacts.get answered, or none for the newest.",
            field_name="version",
            reason="must be an uploaded version of the artifact",
        )
    async with touching(ctx, [request.id.display_id]):
        await store.delete_version(ctx.tx, version, ctx.now, ctx.caller.user_id)
    return contract.ArtifactsVersionsDeleteResponse()


@handles(contract.GET)
async def get(ctx: Context, request: contract.ArtifactsGetRequest) -> contract.ArtifactsGetResponse:
    """Find one, with the version asked for or the newest."""
    row, version = await _found(ctx, request.id, request.version)
    artifact = (await _artifacts(ctx.tx, [row]))[0]
    if version is None:
        return contract.ArtifactsGetResponse(artifact=artifact)
    artifact.file = ArtifactFile(name=row.file_name, type=version.file_type, size=version.size)
    people = await summaries.users(ctx.tx, [(ctx.org, version.prepared_by)])
    shown = contract.ArtifactVersion(
        version=str(version.version),
        timestamp=format_rfc3339(version.uploaded_date),
        modified_by=people.get((ctx.org, version.prepared_by), UNSET),
    )
    return contract.ArtifactsGetResponse(artifact=artifact, version=shown)


@handles(contract.LOCATE)
async def locate(
    ctx: Context, request: contract.ArtifactsLocateRequest
) -> contract.ArtifactsLocateResponse:
    """Sign a URL for the bytes of the version asked for, or of the newest."""
    row, version = await _found(ctx, request.id, request.version)
    if version is None:
        raise NotFound(
            f"{request.id.display_id} has no file yet.",
            detail="Upload it to the URL that artifacts.prepare or artifacts.versions.prepare "
            "answered.",
        )
    place = VersionPlace(ctx.org, row.number, version.version)
    signed = ctx.tools.urls.download(place, origin=ctx.caller.origin, now=ctx.now)
    return contract.ArtifactsLocateResponse(
        url=signed.url, expires_at=format_rfc3339(signed.expires)
    )


@handles(contract.LIST)
async def list_(
    ctx: Context, request: contract.ArtifactsListRequest
) -> contract.ArtifactsListResponse:
    """Those that are attached to a parent now, or all."""
    walk = read_walk("artifacts", request, store.SORTS)
    if isinstance(request.limit, UnsetType):
        walk = walk._replace(limit=contract.MOST_LISTED)
    where = _seen_by(ctx)
    if not isinstance(request.parent_id, UnsetType):
        parent, attached = await _attached(ctx, request.parent_id)
        where.among("parent_id", [parent])
        where.among("id", attached)
        if not attached:
            where.nothing()
    page = await query.page(ctx.tx, where, walk)
    return contract.ArtifactsListResponse(
        artifacts=await _artifacts(ctx.tx, page.rows), **cursors("artifacts", walk, page)
    )


async def _attached(ctx: Context, id_: ArtifactParentId) -> tuple[str, list[int]]:
    """What the store calls a parent, and the numbers of the artifacts that it has now.

    Others stay bound to it, and may come back to it. Another org's parent is empty, and has none.
    """
    if not id_.belongs_to(ctx.org):
        return "", []
    if id_.kind is ids.COMMENT:
        return await _attached_to_comment(ctx, id_)
    held = await shown(ctx.tx, ctx.org, [id_.display_id]) if is_shown(id_.kind) else {}
    fields = [verbatim.read(msgspec.json.encode(answer)) for answer in held.values()]
    named = [artifact for one in fields for artifact in one.get("artifacts", ())]
    alone = ("display_picture", "recording", "transcript")
    named += [one[name] for one in fields for name in alone if name in one]
    dons = [artifact if isinstance(artifact, str) else artifact["id"] for artifact in named]
    return id_.display_id, [_number(don) for don in dons]


async def _attached_to_comment(ctx: Context, id_: ArtifactParentId) -> tuple[str, list[int]]:
    """The same of a comment: by its row, because what others are shown of a private one leaves
    its artifacts out.
    """
    for row in await timeline_entries.comments_of(ctx.tx, ctx.org, [id_.number]):
        if id_.is_on(row.object):
            named = msgspec.json.decode(row.document or "{}").get("artifacts", ())
            return ids.path(row.object, id_.display_id), [_number(artifact) for artifact in named]
    return "", []


def _number(artifact: str) -> int:
    return ArtifactId.parse(artifact).number


async def _found(
    ctx: Context, id_: ArtifactId, version: str | UnsetType
) -> tuple[ArtifactRow, VersionRow | None]:
    """An artifact and one of its versions; None only when none was asked for and none was uploaded.

    Raises:
        NotFound: there is no such artifact or version.
    """
    row = await _seen(ctx, id_)
    if row is None:
        raise NotFound(
            f"There is no artifact {quoted(id_.text)}.",
            detail="It never was, it was removed, or it is private.",
        )
    found = await _version(ctx, row, version)
    if found is None and not isinstance(version, UnsetType):
        raise NotFound(
            f"{id_.display_id} has no version {quoted(version)}.",
            detail="It was never uploaded, or it was deleted.",
        )
    return row, found


async def _version(ctx: Context, row: ArtifactRow, wanted: str | UnsetType) -> VersionRow | None:
    if isinstance(wanted, UnsetType):
        number = row.current_version
    else:
        number = int(wanted) if _VERSION.fullmatch(wanted) else None
    return (
        None
        if number is None
        else await store.version(ctx.tx, VersionKey(row.org, row.number, number))
    )


async def finish_upload(tx: Tx, key: VersionKey, uploaded: store.Uploaded, now: int) -> None:
    """Give a version its bytes, in the name of whoever prepared it.

    Raises:
        LostRace: it has some already, or it or the blob is gone.
    """
    by = await store.prepared_by(tx, key)
    async with touching(
        Context(Caller(key.org, by, ""), now, tx), [ids.ARTIFACT.display_id(key.artifact)]
    ):
        await store.finish_upload(tx, key, uploaded, now)


async def remove_orphans(tx: Tx, *, before: int, now: int, most: int) -> int:
    """Remove some of what was prepared and never uploaded, or uploaded and never attached, since
    `before`; how many.

    Nobody asked for it, so that it is the system's doing.
    """
    rows = await artifact_cleaning.orphans(tx, before=before, most=most)
    for org in sorted({row.org for row in rows}):
        gone = await _artifacts(tx, [row for row in rows if row.org == org])
        await tell_deleted(Context(Caller(org, SYSTEM, ""), now, tx), *gone)
    await artifact_cleaning.remove(tx, [(row.org, row.number) for row in rows], now=now)
    return len(rows) + await artifact_cleaning.remove_waiting(tx, before=before, most=most)


@shows(ids.ARTIFACT)
async def show(tx: Tx, org: str, numbers_: Sequence[int]) -> dict[str, contract.Artifact]:
    """Artifacts by display id."""
    rows = await query.numbered(tx, store.of_org(org), numbers_)
    return {artifact.display_id: artifact for artifact in await _artifacts(tx, rows)}


async def _artifacts(tx: Tx, rows: Sequence[ArtifactRow]) -> list[contract.Artifact]:
    people = await authors(tx, rows)
    return [
        contract.Artifact(
            **atom(ids.ARTIFACT, row, people),
            file=ArtifactFile(
                name=row.file_name, type=or_unset(row.file_type), size=or_unset(row.size)
            ),
        )
        for row in rows
    ]

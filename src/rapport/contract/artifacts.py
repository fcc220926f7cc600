"""The artifacts family: files. Their bytes go to and come from signed URLs (behaviour: Files)."""

from typing import Annotated, Literal

from msgspec import Meta

from rapport.contract.kit.errors import InvalidId, NotFound
from rapport.contract.kit.fields import (
    OURS,
    UNSET,
    CursorField,
    Limit,
    ListResponse,
    ModeField,
    Name,
    Request,
    Response,
    Short,
    SortByField,
    UnsetType,
)
from rapport.contract.kit.ids import ArtifactId, ArtifactParentId
from rapport.contract.kit.method import READ, WRITE, Method
from rapport.contract.users import ArtifactFile, Atom, UserSummary

ConfigurationSet = Literal[
    "article_media", "default", "email_media", "job_data", "marketplace_listing_icon", "marketplace_media", "org_logo",
    "plug_css", "plug_setting", "plug_setting_banner_card", "portal_css", "snap_in_functions_code", "snap_widget",
    "user_profile_picture", "work",
]  # fmt: skip
# What a list without a limit answers: DevRev's has no pages, and an answer has to end somewhere.
MOST_LISTED = 1000
VersionField = Annotated[
    Short | UnsetType, Meta(description="Which version; without it, the newest.")
]


class Artifact(Atom):
    """An artifact. `file` describes the newest version, or the one that was asked for; `size`
    comes with the bytes.
    """

    file: ArtifactFile


class ArtifactVersion(Response):
    """A version of an artifact: who uploaded it, and when."""

    modified_by: UserSummary | UnsetType = UNSET
    timestamp: str
    version: str


class FormField(Response):
    """A form field to send, as it is, before the part `file`."""

    key: str
    value: str


class ArtifactsPrepareRequest(Request):
    """A file to be uploaded."""

    file_name: Name
    file_type: Annotated[
        Short | UnsetType,
        Meta(
            description="Its media type; without it, what the upload says or the bytes look like."
        ),
    ] = UNSET
    configuration_set: Annotated[
        ConfigurationSet | UnsetType,
        Meta(description="What the file is for. Kept; changes nothing here."),
    ] = UNSET


class ArtifactsPrepareResponse(Response):
    """The artifact, and where its bytes go: a multipart POST of these fields and then the part
    `file`.
    """

    id: str
    url: str
    form_data: list[FormField]


class ArtifactsGetRequest(Request):
    """Which artifact, and which of its versions."""

    id: ArtifactId
    version: VersionField = UNSET


class ArtifactsGetResponse(Response):
    """The artifact, and its version once it was uploaded."""

    artifact: Artifact
    version: ArtifactVersion | UnsetType = UNSET


class ArtifactsListRequest(Request):
    """Which artifacts."""

    parent_id: Annotated[
        ArtifactParentId | UnsetType,
        Meta(description="What they are attached to now; without it, all."),
    ] = UNSET
    cursor: Annotated[CursorField, OURS] = UNSET
    limit: Annotated[
        Limit | UnsetType,
        OURS,
        Meta(description=f"How many at the most; {MOST_LISTED} without it."),
    ] = UNSET
    mode: Annotated[ModeField, OURS] = UNSET
    sort_by: Annotated[SortByField, OURS] = UNSET


class ArtifactsListResponse(ListResponse):
    """The artifacts, the newest first."""

    artifacts: list[Artifact]
    next_cursor: Annotated[str | UnsetType, OURS] = UNSET
    prev_cursor: Annotated[str | UnsetType, OURS] = UNSET


class ArtifactsLocateRequest(Request):
    """Which artifact, and which of its versions."""

    id: ArtifactId
    version: VersionField = UNSET


class ArtifactsLocateResponse(Response):
    """Where the bytes are until `expires_at`, for whoever has the URL."""

    url: str
    expires_at: str | UnsetType = UNSET


class ArtifactsVersionsPrepareRequest(Request):
    """The artifact that gets a new version."""

    id: ArtifactId


class ArtifactsVersionsPrepareResponse(Response):
    """Where the new version's bytes go: a multipart POST of these fields and then the part
    `file`.
    """

    id: Annotated[str, OURS]
    url: str
    form_data: list[FormField]


class ArtifactsVersionsDeleteRequest(Request):
    """Which version of which artifact."""

    id: ArtifactId
    version: VersionField = UNSET


class ArtifactsVersionsDeleteResponse(Response):
    """Nothing."""


PREPARE = Method(
    "artifacts.prepare", WRITE, ArtifactsPrepareRequest, ArtifactsPrepareResponse,
    "Prepare the upload of a file", "artifact:write", signs_urls=True,
)  # fmt: skip
GET = Method(
    "artifacts.get", READ, ArtifactsGetRequest, ArtifactsGetResponse,
    "Get an artifact", "artifact:read", errors=(NotFound,),
)  # fmt: skip
LIST = Method(
    "artifacts.list", READ, ArtifactsListRequest, ArtifactsListResponse,
    "List artifacts", "artifact:read", errors=(NotFound,),
)  # fmt: skip
LOCATE = Method(
    "artifacts.locate", READ, ArtifactsLocateRequest, ArtifactsLocateResponse,
    "Get a URL that answers an artifact's bytes", "artifact:read", errors=(NotFound,), signs_urls=True,
)  # fmt: skip
VERSIONS_PREPARE = Method(
    "artifacts.versions.prepare", WRITE, ArtifactsVersionsPrepareRequest, ArtifactsVersionsPrepareResponse,
    "Prepare the upload of a new version", "artifact:write", errors=(InvalidId,), signs_urls=True,
)  # fmt: skip
VERSIONS_DELETE = Method(
    "artifacts.versions.delete", WRITE, ArtifactsVersionsDeleteRequest, ArtifactsVersionsDeleteResponse,
    "Delete a version and its bytes for ever", "artifact:all", errors=(InvalidId,),
)  # fmt: skip

"""Every word of the console, in one place: another language is another module like this one."""

from rapport.contract.engagements import EngagementType

KINDS: dict[EngagementType, str] = {
    "call": "Call",
    "email": "Email",
    "meeting": "Meeting",
    "linked_in": "LinkedIn",
    "offline": "Visit",
    "default": "Note",
    "conversation": "Conversation",
    "custom": "Custom",
    "survey": "Survey",
}
# The same, for whatever text may be one.
KINDS_BY_NAME: dict[str, str] = {str(name): word for name, word in KINDS.items()}
# What the form offers, in its order.
LOGGED: tuple[EngagementType, ...] = ("call", "email", "meeting", "linked_in", "offline", "default")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
NEAR = {-1: "Yesterday", 0: "Today", 1: "Tomorrow"}
SPANS = {"7": "Last 7 days", "30": "Last 30 days", "90": "Last 90 days", "365": "Last year"}
UNTITLED = "Untitled"
SOMEBODY = "Somebody"
NOBODY_FITS = "Nobody here is called {name}: give an address, or a name as it is written here."
SEVERAL_FIT = "Several people are called {name}: {who}. Give one's address."
NO_SUCH_TIME = "{when} is no time in {zone}: clocks were moved over it."
NO_TIME = "Say when it was, such as 2026-11-24T14:20."
NOBODY = "Say who took part."
NO_TITLE = "Say what it was about."
ONLY_DAYS = "Choose one of the spans that are offered."
CHANGED_MEANWHILE = (
    "Somebody else changed this meanwhile. What they saved is below; yours is above."
)
LINK_IS_USED = "This link was used already, or has run out. Ask for a new one: rapport login."
NOT_FROM_HERE = "This came from another site, so nothing was done."
LONG_TEXT = "a long text"
EMPTY = "Nothing here yet"
ACTIONS = {"created": "created this", "deleted": "deleted this", "updated": "changed"}
FIELDS = {
    "artifacts": "Files",
    "custom_fields": "Custom fields",
    "description": "Notes",
    "engagement_type": "Kind",
    "external_ref": "External reference",
    "external_url": "Link",
    "members": "Who",
    "parents": "Account",
    "scheduled_date": "When",
    "tags": "Tags",
    "title": "About",
}

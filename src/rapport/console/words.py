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
LONG_TEXT = "a long text"
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
FILTERS = {"kind": "Kind", "person": "Person", "account": "Account", "tag": "Tag"}
THEMES = {"": "As the system", "light": "Light", "dark": "Dark"}
ACTIONS = {"created": "logged this", "deleted": "deleted this", "updated": "changed this"}
FIELDS = {
    "artifacts": "Files",
    "channel": "Channel",
    "custom_fields": "Custom fields",
    "description": "Notes",
    "ended_date": "Ends",
    "engagement_type": "Kind",
    "external_ref": "Reference",
    "external_url": "Link",
    "members": "Who",
    "organizer": "Organizer",
    "parent": "Account",
    "parents": "Account",
    "scheduled_date": "When",
    "state": "State",
    "tags": "Tags",
    "title": "About",
}
# The fields of the form, as a page that compares two versions shows them.
TYPED = {
    "who": "Who",
    "kind": "Kind",
    "about": "About",
    "when": "When",
    "ends": "Ends",
    "account": "Account",
    "notes": "Notes",
}

# Places.
MAIN = "Main"
TIMELINE = "Timeline"
ACCOUNTS = "Accounts"
PEOPLE = "People"
REFERENCE = "API reference"
SKIP = "Skip to the page"

# Deeds.
LOG = "Log an engagement"
SAVE = "Save"
EDIT = "Edit"
DELETE = "Delete"
UNDO = "Undo"
MORE = "More"
CLOSE = "Close"
LEAVE = "Leave it as it was"
SHOW = "Show"
FILTER = "Filter"
TAKE_AWAY = "Take this filter away"
SIGN_IN = "Sign in"
SIGN_OUT = "Sign out"
SIGN_OUT_EVERYWHERE = "Sign out everywhere"
TO_TIMELINE = "To the timeline"
ALL_OF_IT = "Show everything"

# What pages say.
TOKEN = "Token"  # noqa: S105  # the label of a field
SIGN_IN_HOW = "Paste a token once, or ask for a link on the server:"
SIGN_IN_AS = "Sign in as {name}"
ONCE = "This link is good once."
LINK_IS_USED = "This link was used already, or has run out. Ask for a new one: rapport login."
NOT_FROM_HERE = "This came from another site, so nothing was done."
COMING = "Coming up"
PERSON = "Person"
EVERYBODY = "Everybody"
ME = "me"
TAG = "Tag"
ANY = "Any"
SPAN = "Days"
ANY_TIME = "Any time"
EMPTY = "Nothing here yet"
EMPTY_HOW = "Calls, emails, meetings and visits stand here by their day."
NOTHING_FITS = "Nothing fits these filters"
FEWER_FILTERS = "Take one away, or look further back."
DELETED = "Deleted."
FOR_GOOD = "This can't be undone."
UNTITLED = "Untitled"
FILE = "file"
FACTS = "Facts"
ID = "Id"
COMMENT = "Comment"
COMMENTS = "Comments"
PRIVATE = "private"
NO_COMMENTS = "Nobody has commented yet."
HISTORY = "History"
BEFORE = "before:"
AFTER = "after:"
WHO_HOW = "Names or addresses, with commas between"
THEIRS = "What is saved now"
NOT_KEPT = "not kept; choose it again"

# What to do about what was typed.
NOBODY_FITS = "Nobody here is called {name}: give an address, or a name as it is written here."
SEVERAL_FIT = "Several are called {name}: {who}. Give one of these."
NO_SUCH_TIME = "{when} is no time in {zone}: clocks were moved over it."
NO_TIME = "Say when it was, such as 2026-11-24T14:20."
NOBODY = "Say who took part."
NO_TITLE = "Say what it was about."
NO_COMMENT = "Write something first."
ONLY_DAYS = "Days"
CHANGED_MEANWHILE = (
    "Somebody saved this since you opened it. "
    "Theirs is below; save again to put yours in its place."
)

# Accounts and people.
NEVER = "Never"
NONE = "None"
AGO = "{days} days ago"
AHEAD = "In {days} days"
LEVELS = {"quiet": "gone quiet", "lost": "long gone quiet"}
ORDER = "Order"
ORDERS = {"touch": "Longest silent", "name": "By name", "new": "Newest"}
OWNER = "Owner"
TIER = "Tier"
ACCOUNT = "Account"
LAST_TOUCH = "Last touch"
NEXT_TOUCH = "Next touch"
FIRST_TOUCH = "First touch"
RECENT = "30 days"
SUMS = "30 and 90 days"
NO_ACCOUNTS = "Accounts stand here, the longest silent first, as soon as the API has made one:"
NO_PEOPLE = "Those whom you meet stand here as soon as the API has added one:"
NO_TOUCH = "No touch yet."
IN_TIMELINE = "All in the timeline"
WHO = "Who"
SIDES = {"contacts": "Contacts", "team": "Team"}
ROLE = "Role"
ROLES = {"admin": "Admin", "member": "Member", "viewer": "Viewer"}
EMAIL = "Email"
TELEPHONE = "Telephone"
ALL_PEOPLE = "All people"
SAID = {"owner": "Owner: {}", "tier": "Tier: {}", "tag": "Tag: {}", "account": "Account: {}"}
ACCOUNT_FIELDS = {
    "description": "Description",
    "domains": "Domains",
    "external_refs": "External references",
    "websites": "Websites",
}

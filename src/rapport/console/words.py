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
RANGE = {"from": "From {day}", "to": "Until {day}"}
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
CALENDAR = "Calendar"
SEARCH = "Search"
OPPORTUNITIES = "Opportunities"
OVERVIEW = "Overview"
TRASH = "Trash"
SETTINGS = "Settings"
REFERENCE = "API reference"
SKIP = "Skip to the page"

# Deeds.
LOG = "Log an engagement"
SAVE = "Save"
EDIT = "Edit"
DELETE = "Delete"
UNDO = "Undo"
RESTORE = "Restore"
REVOKE = "Revoke"
SEND_AGAIN = "Send again"
ADD = "Add"
ACTIVATE = "Activate"
DEACTIVATE = "Deactivate"
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
FROM = "From"
UNTIL = "Until"
ANY_TIME = "Any time"
EMPTY = "Nothing here yet"
EMPTY_HOW = "Calls, emails, meetings and visits stand here by their day."
NOTHING_FITS = "Nothing fits these filters"
FEWER_FILTERS = "Take one away, or look further back."
NEW_ROWS = "{count} new"
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

DELETED_BY = "deleted by {name}"
NO_TRASH = "The trash is empty"
NO_TRASH_HOW = "Engagements and meetings that are deleted wait here until they are wanted back."
RESTORED = "Restored."
RESTORED_WITHOUT = "Restored, without what is gone since: {fields}."
OPEN = "Open"

# What to do about what was typed.
NOBODY_FITS = "Nobody here is called {name}: give an address, or a name as it is written here."
SEVERAL_FIT = "Several are called {name}: {who}. Give one of these."
NO_SUCH_TIME = "{when} is no time in {zone}: clocks were moved over it."
NO_TIME = "Say when it was, such as 2026-11-24T14:20."
NEWCOMER = "New contact"
ADD_NEWCOMER = "Add {name} with this engagement"
NO_NAME = "Say what they are called."
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

# Settings.
PROFILE = "Profile"
TOKENS = "Tokens"
WEBHOOKS = "Webhooks"
MEMBERS = "People and roles"
TAGS = "Tags"
ORGANISATION = "Organisation"
HEALTH = "Health"
SAVED = "Saved."
NAME = "Name"
FULL_NAME = "Full name"
DESCRIPTION = "Description"
STATUS = "Status"
CHANGED = "Changed"
ZONE = "Time zone"
ZONE_OF_BROWSER = "The browser's"
ZONE_HOW = "Kept in this browser."
SHORTCUTS = "Shortcuts of one key"
SHORTCUTS_ON = "/ searches, c logs, e edits, j and k walk rows"
SESSIONS = "Sessions"
SESSIONS_HOW = "Ends every session of yours, on every device, this one too."
NEW_TOKEN = "New token"  # noqa: S105  # a heading
TOKEN_ONCE = "Copy it now: it is shown this once."  # noqa: S105  # a sentence
HINT = "What it is for"
SCOPES = "Scopes"
SCOPES_HOW = "Such as engagement:read tag:write; empty for all that you may."
ALL_SCOPES = "all that its user may"
DAYS_OF_LIFE = "Days that it lives"
EXPIRES = "Expires"
ISSUED = "Made"
THIS_SESSION = "this session's"
NO_TOKENS = "Programs sign in with tokens. There is none of yours yet."
TOKEN_STATUSES = {"active": "active", "expired": "expired", "revoked": "revoked"}
NO_NUMBER = "Give a number of days, such as 90."
NEW_WEBHOOK = "New webhook"
URL = "URL"
EVENTS = "Events"
WEBHOOK = "Webhook"
OBJECTS = {
    "engagement": "Engagement",
    "meeting": "Meeting",
    "account": "Account",
    "work": "Opportunity",
    "rev_user": "Contact",
    "rev_org": "Company",
    "dev_user": "Colleague",
    "tag": "Tag",
    "link": "Link",
    "artifact": "File",
    "timeline_entry": "Comment",
    "webhook": "Webhook",
    "user": "Person",
}
VERBS = {
    "created": "created",
    "updated": "changed",
    "deleted": "deleted",
    "restored": "restored",
    "purged": "removed for good",
    "erased": "erased",
}
WEBHOOK_STATUSES = {
    "active": "active",
    "inactive": "inactive",
    "unverified": "unverified: it did not echo the challenge",
}
NO_WEBHOOKS = "Programs can be told of what happens, over HTTP. None is yet."
SECRET = "Signing secret"  # noqa: S105  # the label of a field
DELIVERIES = "Deliveries"
DELIVERY_STATUSES = {"delivered": "Delivered", "failed": "Failed", "pending": "Pending"}
ALL = "All"
NO_DELIVERIES = "Nothing was sent yet."
ATTEMPTS = "Attempts"
ATTEMPT = "{answer}, {ms} ms"
NO_ANSWER = "no answer"
EVENT = "Event"
ABOUT_OBJECT = "Object"
SENT = "Sent"
SEND_FAILED_AGAIN = "Send all failed ones again"
ON_ITS_WAY = "On its way: {count}."
NEW_MEMBER = "Add somebody"
NEW_MEMBER_HOW = "They get in by a link that you hand over."
MEMBER_STATES = {
    "active": "active",
    "deactivated": "deactivated",
    "shadow": "not let in yet",
    "deleted": "deleted",
    "locked": "locked",
    "unassigned": "unassigned",
}
LINK = "Sign-in link"
LINK_ONCE = "Hand this over: it signs {name} in once, within ten minutes."
NEW_TAG = "New tag"
VALUES = "Allowed values"
VALUES_HOW = "One a line; without them the tag has no values."
TAG_GOES = "It disappears from everything that has it. This can't be undone."
WEBHOOK_GOES = "Its delivery log goes with it. This can't be undone."
NO_TAGS = "Tags sort engagements, accounts and people. There is none yet."
SLUG = "Slug"
COUNTS = "Kept"
COUNTED = {
    "engagements": "Engagements",
    "meetings": "Meetings",
    "works": "Opportunities",
    "deleted": "In the trash",
}
VERSION = "Version"
STORE = "Store"
STORE_IS_WELL = "answers and takes writes"
LIMIT = "Requests"
LIMIT_IS = "{remaining} of {limit} left in this window"
NO_LIMIT = "not limited"
FAILED_DELIVERIES = "Failed deliveries"
UNVERIFIED_WEBHOOKS = "Unverified webhooks"

# Opportunities.
OPPORTUNITY = "Opportunity"
STAGE = "Stage"
VALUE = "Value"
CLOSES = "Closes"
PROBABILITY = "Probability"
CONTACTS = "Contacts"
NO_OPPORTUNITIES = "What may be sold stands here as soon as the API has added one:"
ALL_OPPORTUNITIES = "All opportunities"
RHYTHM = "Rhythm"
RHYTHM_SAID = "Touches a week over {weeks} weeks: {sum} in all, {most} at most."

# Overview.
TOUCHES = "Touches"
PERIODS = {"7": "7 days", "28": "28 days", "90": "90 days"}
PERIOD = "Period"
BY_WEEK = "Touches by week"
BY_DAY = "A year, by day"
BY_PERSON = "Team"
BEFORE_PERIOD = "Before"
ALL_KINDS = "All"
WEEK_OF = "Week of {day}"
MONTH = "Month"
WEEK = "Week"
AS_TABLE = "As a table"
WEEKS_SAID = "{sum} touches in {weeks} weeks, {most} in the busiest."
DAYS_SAID = "{sum} touches on {days} days of the last year, {most} on the busiest, {day}."
NO_DAYS_SAID = "No touches in the last year."
DAY_SAID = "{day}: {count}"
MOST_TOUCHED = "Most touched"
LEAST_TOUCHED = "Least touched"
TOUCHED_HOW = "Accounts in these {days} days, with their opportunities and people."
NO_TEAM = "Nobody of the team took part in anything in these days."
TEAM_HOW = "{days} days, and as many before."

# Calendar.
MONTH_BEFORE = "Month before"
MONTH_NEXT = "Next month"
MORE_OF_DAY = "{count} more"
# Search, and the palette.
SEARCH_WHAT = "Titles, notes, names, addresses"
SEARCH_FOR = "Search for “{text}”"
PALETTE = "Go to"
PLACE = "Place"
DEED = "Deed"
AMONG = "Among"
AMONGS = {
    "": "Everything",
    "touches": "Touches",
    "accounts": "Accounts",
    "people": "People",
    "opportunities": "Opportunities",
    "tags": "Tags",
}
RESULTS = {
    "account": "Account",
    "engagement": "Engagement",
    "meeting": "Meeting",
    "tag": "Tag",
    "user": "Person",
    "work": "Opportunity",
}
SUGGESTED = {
    "account": "Account",
    "dev_user": "Colleague",
    "engagement": "Engagement",
    "meeting": "Meeting",
    "opportunity": "Opportunity",
    "rev_user": "Contact",
    "tag": "Tag",
}
COMMENT_OF = "Comment by {name}:"
NOT_FOUND = "Nothing has these words"
NOT_FOUND_HOW = "Take a word away, or end one with * to find what begins so."
LANGUAGE = {
    "pricing security": "both words, anywhere",
    '"maiden flight"': "these words, one behind the other",
    "zepp*": "words that begin so",
    "-dusk": "not with this word",
    "dawn OR dusk": "one of them",
    "from:ada": "made by Ada, or with her",
    "type:call": "calls; or type:account, type:opportunity",
    "tag:key-account": "with this tag",
    "after:2026-05-01": "after this day; before: for the other end",
}

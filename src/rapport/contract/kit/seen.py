"""What of a text can be seen: the classes of characters that the rules for names and addresses use.

They are written so that Python, JSON Schema and ECMAScript read them alike: escapes up to U+FFFF,
and beyond it the characters themselves.
"""

# Control and format characters (Cc and Cf in Unicode 16), the byte order mark among them.
UNSEEN = (
    r"\u0000-\u001f\u007f-\u009f\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e"
    r"\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0001\U000e0020-\U000e007f"
)
# Letters and marks that show nothing by themselves: joiners, fillers, variation selectors, the
# blank Braille cell.
_EMPTY = (
    r"\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef"
)
# A text with something to see in it.
VISIBLE = rf"[^\s{UNSEEN}{_EMPTY}]"

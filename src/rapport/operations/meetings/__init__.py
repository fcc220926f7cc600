"""Meetings: record or plan, find, change, delete, count. The modules register what does each
method.
"""

from rapport.operations.meetings import create as create
from rapport.operations.meetings import delete as delete
from rapport.operations.meetings import read as read
from rapport.operations.meetings import update as update

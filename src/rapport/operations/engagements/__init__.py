"""Engagements: record, find, change, delete, count. The modules register what does each method."""

from rapport.operations.engagements import create as create
from rapport.operations.engagements import delete as delete
from rapport.operations.engagements import read as read
from rapport.operations.engagements import update as update

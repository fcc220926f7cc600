"""Two stores that are served and hold something of everything."""

from tests.support.backups import postgres_source as postgres_source
from tests.support.backups import source as source
from tests.support.backups import sqlite_source as sqlite_source

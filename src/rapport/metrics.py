"""What is measured, under the names by which `/metrics` shows it. No label names a person, an org
or an object, and none takes a value that a caller chose.

With several processes each keeps its own in a file of a folder that the parent names, and whoever
is asked adds them up.
"""

from prometheus_client import Counter, Gauge, Histogram

# The folder, in the environment of each process; prometheus-client looks for it when it is loaded.
FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_MOMENTS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)

# At the edge.
REQUESTS = Counter("rapport_requests", "Requests that were answered.", ["method", "status"])
REQUEST_SECONDS = Histogram(
    "rapport_request_seconds",
    "From a request's head to its answer, waiting included.",
    ["method"],
    buckets=(*_MOMENTS, 10.0, 30.0),
)
FEED_READERS = Gauge("rapport_feed_readers", "Who reads /events now.", multiprocess_mode="livesum")

# At the invoker.
REPLAYS = Counter("rapport_idempotent_replays", "Answers that were given again under their key.")

# At the engines.
BATCH_CALLS = Histogram(
    "rapport_batch_calls",
    "Writes that shared a transaction.",
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256),
)
COMMIT_SECONDS = Histogram(
    "rapport_commit_seconds", "What commits took, the disk's flush included.", buckets=_MOMENTS
)
WRITES_WAITING = Gauge(
    "rapport_writes_waiting",
    "Writes that have come and are not on disk yet.",
    multiprocess_mode="livesum",
)
LONG_READS = Counter(
    "rapport_long_reads", "Reads that took too long beside others, and went on by themselves."
)
WAL_PAGES = Gauge(
    "rapport_sqlite_wal_pages", "Pages in SQLite's write-ahead log.", multiprocess_mode="livemax"
)
CHECKPOINT_SECONDS = Histogram(
    "rapport_sqlite_checkpoint_seconds", "What SQLite's checkpoints took.", buckets=_MOMENTS
)

# At webhooks' attempts.
ATTEMPTS = Counter(
    "rapport_webhook_attempts", "Requests to webhooks' receivers, by how they went.", ["outcome"]
)
ATTEMPT_SECONDS = Histogram(
    "rapport_webhook_attempt_seconds", "What receivers took to answer.", buckets=_MOMENTS
)

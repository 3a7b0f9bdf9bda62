"""Figures of the check-in path."""

from prometheus_client import Counter, Gauge, Histogram

RECEIVED = Counter("crontopus_checkins_total", "Check-ins received.", ("door", "result"))
BATCH_SIZE = Histogram(
    "crontopus_checkin_batch_size",
    "Check-ins committed together.",
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500),
)
WAYS = Counter(
    "crontopus_checkins_written_total", "Check-ins written, by how their instance was known.", ("way",)
)
JOURNALED = Counter(
    "crontopus_checkins_journaled_total", "Check-ins kept on the disk while the database was away."
)
BATCH_WAIT = Histogram(
    "crontopus_checkin_wait_seconds",
    "How long the first of a group has waited, for its group to be written included.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 15),
)
JOURNAL_BYTES = Gauge("crontopus_journal_bytes", "What waits on this process's disk for the database.")
BATCH_SECONDS = Histogram("crontopus_checkin_batch_seconds", "Time to write and commit one group.")
SCANNER_LAG = Gauge("crontopus_scanner_lag_seconds", "How late the deadline scanner saw its latest deadline.")
DEADLINES = Counter("crontopus_deadlines_total", "Deadlines that passed without what was expected.")

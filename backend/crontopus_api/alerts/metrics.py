"""Figures of alerting."""

from prometheus_client import Counter

DELIVERIES = Counter("crontopus_deliveries_total", "Notifications handed to a medium.", ("channel", "result"))

"""The worker process: deadlines, incidents, deliveries, and the upkeep of repositories."""

"""Check-ins, the runs they tell of, and the status that follows."""

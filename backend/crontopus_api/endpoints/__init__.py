"""Machines that run the agent: enrolment, heartbeat, token rotation, labels, what they report."""

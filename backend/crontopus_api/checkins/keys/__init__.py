"""The tenant's ping key: with it and a job's name a run can be reported without knowing the job's own key."""

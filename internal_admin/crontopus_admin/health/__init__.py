"""Is the installation well? Figures read from where the work itself is recorded, each with a judgement."""

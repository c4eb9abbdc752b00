"""Everything Dagster, and only here: assets, checks, jobs, schedules, sensors, resources. The stages do the work."""

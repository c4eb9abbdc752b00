"""Everything Dagster, and only here: assets, checks, jobs, schedules, sensors, resources. The work is done by the stages."""

"""Everything Dagster. What does not belong here: what a stage does. An asset reads, calls its stage, reports."""

import warnings

# Partition mappings and backfill policies are beta in Dagster 1.13, partitioned checks preview. The pin keeps them
# from changing under us; a warning at every start would only teach people to overlook warnings. By message: importing
# Dagster takes seconds.
warnings.filterwarnings("ignore", message=r".* is currently in (?:beta|preview), and may have breaking changes")

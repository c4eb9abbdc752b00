"""Everything Dagster. What does not belong here: what a stage does; an asset body reads, calls its stage and reports."""

import warnings

# Partition mappings, backfill policies and kinds are marked beta in Dagster 1.13. The pin keeps them from changing under
# us; the warning at every start would only teach people to overlook warnings. By message: importing Dagster takes seconds.
warnings.filterwarnings("ignore", message=r".* is currently in beta, and may have breaking changes")

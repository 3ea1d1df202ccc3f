"""The comparison of the objectives: what is compared, the runs, their scores and the report."""

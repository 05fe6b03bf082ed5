"""One section of the report a file; each is a `training.report.plan.Plan` named ``SECTION``."""

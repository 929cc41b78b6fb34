"""The steps of the pipeline: functions of the work at hand."""

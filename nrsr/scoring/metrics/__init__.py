"""The metrics, one file each: METRIC says how it is measured, pooled and shown; the file's name is the metric's."""

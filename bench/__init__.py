"""Speed of the jobs that matter at a bedside: medians of several warm runs, beside a limit or a peer's figure."""

"""Running a plan: work, writing, retries, interruption, the summary."""

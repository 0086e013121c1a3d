"""The quality gate: measures of one pair and their thresholds."""

"""What a run writes down and shows: tables, curves, copies for other programs, and the list of runs."""

"""Many settings of an engine or of a training side by side: a grid of entries, one table, one contact sheet."""

"""Runs that the page starts: one at a time in a process of their own, in a queue, remembered on disk."""

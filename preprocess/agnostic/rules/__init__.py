"""Mask rules: one file and one pure function per rule; `table.py` lists them."""

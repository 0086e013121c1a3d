"""Agnostic mask recipes: one recipe, one file, one pure function; `table.py` lists them."""

"""The one reader of pair lists: encoding, delimiter, columns, names; for `inputs/` and for published trees alike.

`encoding` turns bytes into text, `lines` text into words, `names` finds an item by what somebody wrote, `columns` decides which
words name the person and which the garment, `reading` reads all lines in one way, and `reader` takes the way under which the most
lines name a pair. `form` writes further lines of a list as its others are written.
"""

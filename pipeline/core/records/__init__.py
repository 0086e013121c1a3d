"""What was made, from what, and whether it still holds: ledger, stat cache, file store and lock of an outputs folder.

Empty on purpose: `stat_ahead` is imported by the command line before anything heavy is.
"""

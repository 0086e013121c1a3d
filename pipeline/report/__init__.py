"""Written pages: the report, thumbnail sheets, PDF."""

"""What there is to do: pictures found, ids given, pairs read."""

"""Step 4, parsing, second half: where a try-on model may paint."""

"""Step 4, parsing, second half: the area that a try-on model may repaint."""

"""Step 3, densepose: body parts in VITON-HD's colours."""

"""Step 5, cloth: the garment alone on the canvas, and its mask."""

"""Step 4, parsing, first half: which pixel is skin, hair, which garment."""

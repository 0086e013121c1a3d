"""Step 4, parsing, first half: which pixel is skin, hair or which garment."""

"""One person: joints, outline, limbs, and the window of the canvas that a garment may change."""

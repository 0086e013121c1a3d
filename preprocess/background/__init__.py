"""Step 1, background: the person's matte and cut-out at the photo's own resolution."""

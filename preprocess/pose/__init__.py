"""Step 2, pose: the 3:4 canvas, BODY_25 and hands."""

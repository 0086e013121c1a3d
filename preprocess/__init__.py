"""Photos to conditions: background, pose, densepose, parsing, cloth."""

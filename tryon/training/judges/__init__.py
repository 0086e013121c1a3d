"""What judges pictures while a run learns: perceptual losses, and measures of drawn pairs."""

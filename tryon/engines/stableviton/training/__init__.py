"""StableVITON in the training room: its loss, its trainable groups, its start file and its presets."""

"""What pixels say by themselves: colours and distances, foreground, sharpness, watermarks."""

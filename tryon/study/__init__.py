"""What a network is made of, found by watching one picture go through it."""

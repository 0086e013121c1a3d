"""What a background shows: ground line, surfaces, water, sky, free space, where its light comes from."""

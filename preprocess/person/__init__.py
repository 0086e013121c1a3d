"""What several steps share about one person: landmarks, joints, shapes, body parts, label lists and their tables."""

"""What every step knows of one person: joints, shapes, landmarks, the view of them."""

"""Light, shadow and grain: what makes a person belong to a background."""

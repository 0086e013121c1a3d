"""The person as the preview sees them."""

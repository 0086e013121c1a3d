"""The parser without downloads: colours, joints and landmarks."""

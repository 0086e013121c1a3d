"""The parser that needs no download: colours, joints and landmarks."""

"""The vocabulary shared by every room of the house; imports nothing else of ours."""

"""`python run.py doctor`: the facts of this machine, the checks of them, and remedies."""

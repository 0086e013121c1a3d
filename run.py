"""Door bell: `python run.py --step all`."""

from pipeline.cli import app

if __name__ == "__main__":
    app()

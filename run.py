"""Door bell: `python run.py --step all`."""

from pipeline.door import main

if __name__ == "__main__":
    main()

"""``python -m msfl`` is the same command as ``msfl``."""

from msfl.cli import main

if __name__ == "__main__":
    main()

"""`python -m petbreeds` is the command line."""

from petbreeds.cli import main

if __name__ == "__main__":
    main()

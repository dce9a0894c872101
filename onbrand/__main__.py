"""Lets `python -m onbrand` do what the `onbrand` command does."""

from onbrand.cli import main

if __name__ == "__main__":
    main()

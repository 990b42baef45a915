"""`python -m kontur` is `kontur`."""

from kontur.cli import main

main()

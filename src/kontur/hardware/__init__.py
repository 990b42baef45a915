"""The processor and how many threads may use it."""

"""Commands that compare two things in one run: `python -m benchmarks.NAME [--json] [--quick]`."""

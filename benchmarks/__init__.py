"""Measurements; run from a checkout, each (`refusal` aside) prints a Markdown report: benchmarks/README.md."""

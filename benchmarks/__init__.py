"""Measurements; run from a checkout, each prints a Markdown table. Commands and conditions: benchmarks/README.md."""

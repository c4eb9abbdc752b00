"""Speed, scale and quality: `python -m benchmarks.NAME`, figures for a person, last line one JSON object."""

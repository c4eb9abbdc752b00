"""Speed, scale and quality: `python -m benchmarks.NAME` prints figures, its last line is one JSON object."""

"""Text tools: shallow parsing, normalization, sentence boundaries."""

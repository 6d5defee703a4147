"""Archives: their members as parts, with safe names and within bounds on size."""

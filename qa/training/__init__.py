"""How what ships was fitted, re-runnable by anyone with data in the same shape."""

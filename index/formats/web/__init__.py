"""Web pages and electronic books."""

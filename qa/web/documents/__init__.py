"""Routes and queue for listing, reading, adding and removing documents."""

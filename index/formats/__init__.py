"""File formats: each module converts one kind of file into `Content`, and knows nothing of the index."""

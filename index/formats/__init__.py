"""File formats: each module turns the bytes of a kind of file into `Content`, and knows nothing of the index."""

"""Training the embedder, and measuring its recall."""

"""Training of everything that ships: reader, embedder, confidence and fusion weights."""

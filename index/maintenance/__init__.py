"""Background erasure of deleted rows, and the integrity check with its repairs."""

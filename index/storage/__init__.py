"""The SQLite database: documents, ledger, passages, vectors, character boxes."""

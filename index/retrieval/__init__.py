"""From a question to ranked passages: dense, BM25 and proximity retrieval, fused."""

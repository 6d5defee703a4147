"""From a question to ranked passages: embeddings, FAISS, BM25 and proximity, fused."""

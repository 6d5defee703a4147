"""Understanding a question: its type, its spelling, self-repair, the documents it names."""

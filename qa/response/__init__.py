"""What the chat says: lists, contradictions, evidence, suggestions."""

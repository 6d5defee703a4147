"""User feedback on answers: stored beside the index, and exported as data."""

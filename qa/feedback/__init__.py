"""What people say of answers: stored beside the index, and exported as data."""

"""The extractive readers and the thread that runs them."""

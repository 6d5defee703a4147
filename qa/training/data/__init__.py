"""Training data: questions, negatives, augmentation, token windows."""

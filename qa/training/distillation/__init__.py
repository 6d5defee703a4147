"""Knowledge distillation: a larger reader's labels, and learning from them."""

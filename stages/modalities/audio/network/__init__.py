"""Networks of recordings: what they read, and the models that are fine-tuned."""

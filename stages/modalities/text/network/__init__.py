"""Networks of texts: what they read, and the models that are fine-tuned."""

"""Networks of images: what they read."""

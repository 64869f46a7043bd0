"""Pretrained models, batches of fixed shapes, threads, and the cache of vectors."""

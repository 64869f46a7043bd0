"""Readers of what people have: tables, folders of files, data sets on the hub."""

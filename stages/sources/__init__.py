"""Readers of sources: tables, folders of files, data sets on the hub."""

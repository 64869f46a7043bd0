"""Failing machines and damaged files: a stage ends with one line, and loses nothing. And what no stage may do."""

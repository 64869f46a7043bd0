"""The data report: its tables, examples, words and template."""

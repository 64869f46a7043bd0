"""Work on contents that may hang or crash a program, in a process that can be ended."""

"""Work on contents that may be built to hang or crash a program, in a process that can be ended."""

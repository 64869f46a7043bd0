"""Labels: spellings of names and numbers, suggestions, rare classes, class balance."""

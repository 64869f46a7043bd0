"""Class names: spellings, suggestions, rare classes, class balance."""

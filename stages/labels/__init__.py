"""Names of classes: spellings, suggestions, rare classes, class balance."""

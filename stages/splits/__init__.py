"""Ways to draw rows into splits and folds."""

"""Images have no baseline on contents: pixels in a linear model say less than the vectors of embed."""

features = None

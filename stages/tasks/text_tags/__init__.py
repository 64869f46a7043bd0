"""Token classification of texts, such as named entities: a linear head on hidden states and the shape of each token."""

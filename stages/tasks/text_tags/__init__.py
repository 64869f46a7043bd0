"""Tags on the tokens of a text, such as named entities: a linear head on the hidden state and the shape of each token's first sub-word."""

"""Code that every stage runs: params, paths, tables, errors, and the frame around a stage."""

"""The stages of dvc.yaml, one file per stage, and the folders of code that serve them."""

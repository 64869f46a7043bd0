"""Fine-tuning with the Trainer of transformers, and the recipe that is saved with the model."""

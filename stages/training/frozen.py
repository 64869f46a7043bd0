"""Parts of a pretrained model that fine-tuning leaves as they are."""

import torch


def freeze_statistics(model: torch.nn.Module) -> None:
    """Batch normalisation goes on with the means and variances of pretraining: those of a small batch are noise."""
    for module in model.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.eval()
            # The Trainer calls `train` of the model, and so of every module, before each step.
            module.train = lambda mode=True, module=module: module  # type: ignore[method-assign, misc]

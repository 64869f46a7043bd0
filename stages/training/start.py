"""What an image or audio model starts from: the keys of its section of params.yaml."""

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from stages.core.params import Strict


class Start(Strict):
    """Pretrained weights, or an architecture with random ones."""

    config: dict[str, Any] | None = Field(
        description="null: `model` is pretrained; keys of a config: `model` is an architecture of transformers "
        "that starts from random weights"
    )
    head_init: Literal["random", "probe"] = Field(
        description="how the output layer of a pretrained model is initialised: at random, "
        "or with a linear model fitted on what that layer reads (LP-FT)"
    )
    probe_C: float = Field(gt=0, description="inverse of the regularisation strength of that linear model")
    frozen_layers: int = Field(
        ge=0,
        description="number of the lowest layers of a pretrained model that are not trained, "
        "all weights before the first layer counting as one: faster, and seldom worse",
    )

    @model_validator(mode="after")
    def check_pretrained(self) -> Self:
        if self.config is not None and self.head_init == "probe":
            raise ValueError("head_init: probe needs a pretrained model, so config: null; else set it to random")
        if self.config is not None and self.frozen_layers:
            raise ValueError("frozen_layers: needs a pretrained model, so config: null; else set it to 0")
        return self

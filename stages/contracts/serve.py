"""How a saved model is used: stages/tasks/<modality>_<target>/serve.py."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, cast

from stages.contracts._network import Frontend
from stages.contracts.objective import Learnable
from stages.core import variants


class Server(Protocol):
    """The parts of a model that finetune wrote, out of its folder and the recipe in it."""

    Objective: type[Learnable]

    def load_frontend(self, folder: Path, recipe: Mapping[str, Any]) -> Frontend:
        """What makes the inputs of the network; it needs no torch and no weights."""

    def load_network(self, folder: Path, recipe: Mapping[str, Any]) -> Any:
        """The torch module: it takes the inputs as named arguments, and returns something with `logits`."""


def load_server(modality: str, target: str) -> Server:
    return cast(Server, variants.load("tasks", f"{modality}_{target}", "serve"))

"""Loads a fine-tuned model, and predicts raw contents after cleaning them as the training rows were cleaned."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from stages.cleaning.contents import SafeCleaner
from stages.contracts.clean import load_cleaner
from stages.core.errors import InputError
from stages.core.tables import Label, named_columns
from stages.serving.predictor import Predictor, load_predictor
from stages.training.recipe import read_recipe


@dataclass(frozen=True)
class Served:
    """One entry per raw content, in the order of the input."""

    labels: list[Label | None]  # None if the content cannot be used
    predictions: list[dict[str, Any] | None]  # numbers by name, as data/predictions has them; None likewise
    reasons: list[str | None]  # why the content cannot be used, such as `too_short`; None if it can


@dataclass(frozen=True)
class Model:
    """A fine-tuned model with the cleaning that it was trained with."""

    modality: str
    cleaner: SafeCleaner
    predictor: Predictor

    def predict(self, raw: Sequence[bytes | str], batch_size: int = 32) -> Served:
        """Predicts contents as they come: texts as str or UTF-8 bytes, images and sounds as the bytes of their files.

        Raises:
            InputError: `raw` is a single content, or has a str for a model of images or sounds.
        """
        cleaned = list(self.cleaner.clean_all(self._as_bytes(raw)))
        usable = [index for index, row in enumerate(cleaned) if row.reason is None]
        labels: list[Label | None] = [None] * len(cleaned)
        predictions: list[dict[str, Any] | None] = [None] * len(cleaned)
        if usable:
            conclusion = self.predictor.predict([cleaned[index].content for index in usable], batch_size)
            named = named_columns(conclusion.predictions, conclusion.columns).to_pylist()
            for index, label, numbers in zip(usable, conclusion.labels, named, strict=True):
                labels[index], predictions[index] = label, numbers
        return Served(labels, predictions, [row.reason for row in cleaned])

    def _as_bytes(self, raw: Sequence[bytes | str]) -> list[bytes]:
        if isinstance(raw, bytes | str):
            raise InputError(
                f"predict: expected a list of contents, got a single {type(raw).__name__}; write [content]"
            )
        for index, content in enumerate(raw):
            if isinstance(content, str) and self.modality != "text":
                raise InputError(
                    f"predict: content {index} is the str {content[:40]!r}, and this model takes the bytes of "
                    f"{self.modality} files; pass Path(...).read_bytes()"
                )
            if not isinstance(content, bytes | str):
                raise InputError(f"predict: content {index} is a {type(content).__name__}; expected bytes or a str")
        return [content.encode("utf-8", "replace") if isinstance(content, str) else content for content in raw]


def load_model(folder: Path | str) -> Model:
    """The model that finetune wrote into `folder`, such as models/finetuned.

    Raises:
        InputError: the folder holds no such model.
    """
    folder = Path(folder)
    recipe = read_recipe(folder)
    cleaner = load_cleaner(recipe["modality"])
    try:
        clean_params = cleaner.CleanParams(**recipe["clean"])
    except (TypeError, ValidationError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{folder}: whetstone.json: clean: {reason}; name a folder that finetune wrote") from error
    return Model(recipe["modality"], SafeCleaner(cleaner, clean_params), load_predictor(folder))

"""petbreeds: from a folder of labelled photos to a classifier you can trust, explain and hand out.

Names are loaded when first used, so `import petbreeds` costs next to nothing.
"""

from __future__ import annotations

import importlib
import os
import warnings
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# Threads that wait by spinning take the cores from those that decode photos: measured three times slower on two cores.
# It counts only where torch is not imported yet, and a setting of the user's own stays.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# fastai's import says this of its own code, four times; nobody who reads it could mend it
warnings.filterwarnings("ignore", message=".torch.jit.script. is deprecated", category=FutureWarning)
# timm's import brings tqdm's wish for ipywidgets into every notebook; no bar of ours needs them
warnings.filterwarnings("ignore", message="IProgress not found")

# name -> the module that has it; the last rows are fastai's own, so that the book's lines run with one import
_NAMES: dict[str, str] = {
    **dict.fromkeys(["train", "check", "load", "sample"], "api"),
    **dict.fromkeys(["pet_learner", "PetLearner"], "learner"),
    **dict.fromkeys(["pet_block", "pet_dataloaders", "choose_workers"], "datablock"),
    "Recipe": "recipe",
    "Predictions": "predictions",
    "Interpretation": "insight.interpretation",
    "PixelRule": "bundle.pixels",
    "Predictor": "bundle.predictor",
    "HeadStart": "head_start",
    "presizing_views": "augment",
    **dict.fromkeys(["PetBreedsError", "ChoiceError", "DataError", "WeightsError", "BundleError"], "errors"),
    **dict.fromkeys(
        [
            "BCEWithLogitsLossFlat", "CategoryBlock", "ClassificationInterpretation", "CrossEntropyLossFlat", "DataBlock",
            "EarlyStoppingCallback", "ImageBlock", "MSELossFlat", "MixUp", "MultiCategoryBlock", "RandomSplitter",
            "RegexLabeller", "RegressionBlock", "Resize", "SaveModelCallback", "accuracy", "aug_transforms", "error_rate",
            "get_image_files", "minimum", "parent_label", "set_seed", "slide", "steep", "using_attr", "valley",
        ],
        "book",
    ),
}  # fmt: skip

if TYPE_CHECKING:
    from petbreeds.api import check as check
    from petbreeds.api import load as load
    from petbreeds.api import sample as sample
    from petbreeds.api import train as train
    from petbreeds.datablock import pet_block as pet_block
    from petbreeds.datablock import pet_dataloaders as pet_dataloaders
    from petbreeds.learner import PetLearner as PetLearner
    from petbreeds.learner import pet_learner as pet_learner

__all__ = sorted(_NAMES)


def __getattr__(name: str) -> Any:
    if name not in _NAMES:
        raise AttributeError(f"petbreeds has no name {name!r}; see dir(petbreeds)")
    value = getattr(importlib.import_module(f"petbreeds.{_NAMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])

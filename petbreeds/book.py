"""fastai's own names that the pet-breeds chapter uses, handed on unchanged, so that its lines run with one import."""

from fastai.callback.mixup import MixUp
from fastai.callback.schedule import minimum, slide, steep, valley
from fastai.callback.tracker import EarlyStoppingCallback, SaveModelCallback
from fastai.data.block import CategoryBlock, DataBlock, MultiCategoryBlock, RegressionBlock
from fastai.data.transforms import RandomSplitter, RegexLabeller, get_image_files, parent_label, using_attr
from fastai.interpret import ClassificationInterpretation
from fastai.losses import BCEWithLogitsLossFlat, CrossEntropyLossFlat, MSELossFlat
from fastai.metrics import accuracy, error_rate
from fastai.torch_core import set_seed
from fastai.vision.augment import Resize, aug_transforms
from fastai.vision.data import ImageBlock

__all__ = [
    "BCEWithLogitsLossFlat",
    "CategoryBlock",
    "ClassificationInterpretation",
    "CrossEntropyLossFlat",
    "DataBlock",
    "EarlyStoppingCallback",
    "ImageBlock",
    "MSELossFlat",
    "MixUp",
    "MultiCategoryBlock",
    "RandomSplitter",
    "RegexLabeller",
    "RegressionBlock",
    "Resize",
    "SaveModelCallback",
    "accuracy",
    "aug_transforms",
    "error_rate",
    "get_image_files",
    "minimum",
    "parent_label",
    "set_seed",
    "slide",
    "steep",
    "using_attr",
    "valley",
]

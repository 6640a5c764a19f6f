"""All recipes by name: a frozen dataclass each, with the settings of a training from nothing."""

from __future__ import annotations

from typing import Any

from training.recipes.crop import CropRecipe
from training.recipes.detector import DetectorRecipe
from training.recipes.lifter import LifterRecipe

RECIPES: dict[str, Any] = {
    'lifter': LifterRecipe(),
    'crop': CropRecipe(),
    'detector': DetectorRecipe(),
}

"""All recipes by name: a frozen dataclass each, with the settings of the published weights."""

from __future__ import annotations

from training.recipes.lifter import LifterRecipe

RECIPES = {'lifter': LifterRecipe()}

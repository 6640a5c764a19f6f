"""
Where models live, and how a name becomes a card.

A model is asked for by name or by path. Names are looked up in the folders of
``MESH_POSE_MODELS``, the user's cache (imported and downloaded models), the installed package
and a source checkout, in this order, so that a user's file wins over ours. A name of no model
may be that of a folder where we are.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from mesh_pose_ros.errors import ModelError
from mesh_pose_ros.runtime.card import ModelCard, read_card

DEFAULT = 'mediapipe_pose'
OWN = 'own_pose'
VARIABLE = 'MESH_POSE_MODELS'
MEANT = ('refine', 'crop', 'lift')  # kinds that a folder may stand for, the last to see first
SUFFIXES = ('.yaml', '.yml', '.onnx')


def find_card(name_or_path: str | Path, beside: Path | None = None) -> ModelCard:
    """
    Read the card of a model.

    :param name_or_path: 'default', 'own', a model's name, or a path to its card, graph or folder
    :param beside: folder to look into first, for a model named by another model's card
    :raises ModelError: there is no such model, or it is broken; says where it was looked for
    """
    name = {'default': DEFAULT, 'own': OWN}.get(str(name_or_path), str(name_or_path))
    if _is_path(name):
        return read_card(_card_at(Path(name).expanduser()))
    folders = [*([beside] if beside else []), *model_folders()]
    for folder in folders:
        card = folder / f'{name}.yaml'
        if card.is_file():
            return read_card(card)
    if name and Path(name).is_dir():
        return read_card(_card_of_folder(Path(name)))
    raise ModelError(
        f'model {name!r} is not here: looked in {", ".join(map(str, folders))}. '
        'Give a path, put the model there, or make the standard ones with '
        '`mesh_pose models import mediapipe`'
    )


def find_partner(card: ModelCard, kind: str, wanted: str = '') -> ModelCard | None:
    """
    Read the card of the model that works with another.

    :param kind: 'detector', 'lift' ...
    :param wanted: name or path that overrides the card's partner; 'none' for no partner
    :return: None if neither the caller nor the card names one
    :raises ModelError: the partner is missing, broken, or of another kind
    """
    name = wanted or card.partners.get(kind, '')
    if not name or name == 'none':
        return None
    partner = find_card(name, beside=card.path.parent)
    if partner.kind != kind:
        raise ModelError(f'{partner.path}: a {kind} is wanted, this is a {partner.kind} model')
    return partner


def model_folders() -> list[Path]:
    """Folders that are searched for models, first wins; some may not exist."""
    given = [Path(p).expanduser() for p in os.environ.get(VARIABLE, '').split(os.pathsep) if p]
    package = Path(__file__).parents[1]
    installed = [above / 'share' / 'mesh_pose_ros' / 'models' for above in package.parents]
    ours = [folder for folder in (package.parent / 'models', *installed) if folder.is_dir()]
    return [*given, cache_folder(), *ours]


def cache_folder() -> Path:
    """Where models made on this machine are kept."""
    cache = os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache'
    return Path(cache) / 'mesh_pose_ros' / 'models'


def available_cards(folders: Iterable[Path] | None = None) -> dict[str, Path]:
    """Name -> card file of every model that `find_card` would find by name."""
    found: dict[str, Path] = {}
    for folder in model_folders() if folders is None else folders:
        for card in sorted(folder.glob('*.yaml')):
            found.setdefault(card.stem, card)
    return found


def _is_path(name: str) -> bool:
    return os.sep in name or name.startswith('~') or name.endswith(SUFFIXES) or name == '.'


def _card_at(path: Path) -> Path:
    """The card a path means: itself, the one beside a graph, the crop model of a folder."""
    if path.is_dir():
        return _card_of_folder(path)
    if path.suffix == '.onnx':
        return path.with_suffix('.yaml')
    return path


def _card_of_folder(folder: Path) -> Path:
    named = folder / f'{folder.resolve().name}.yaml'
    if named.is_file():
        return named
    kinds = [(read_card(path, verify=False).kind, path) for path in sorted(folder.glob('*.yaml'))]
    for kind in MEANT:
        found = [path for other, path in kinds if other == kind]
        if len(found) == 1:
            return found[0]
        if found:
            break
    raise ModelError(
        f'{folder}: has {len(kinds)} cards, cannot tell which is meant; give the path of the card'
    )

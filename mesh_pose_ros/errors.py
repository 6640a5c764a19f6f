"""
What can go wrong, as a small tree.

Every message names the thing that is wrong and the remedy; whoever catches `MeshPoseError`
can show the text to a user as it is.
"""

from __future__ import annotations


class MeshPoseError(Exception):
    """Anything this package raises on purpose."""


class BadImageError(MeshPoseError, ValueError):
    """One image cannot be used: unknown encoding, short data, no pixels."""


class BadCameraError(MeshPoseError, ValueError):
    """Intrinsics or distortion cannot describe a camera: zero or NaN focal length, wrong size."""


class ModelError(MeshPoseError):
    """A model file or its card is missing, broken, or the two disagree."""


class BackendUnavailableError(MeshPoseError):
    """The inference library asked for cannot run on this machine."""


class BagError(MeshPoseError):
    """A bag, video or image folder cannot be read or written."""

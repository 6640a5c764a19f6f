"""Metric 3D people from an ordinary camera: boxes, tracks, skeletons, meshes, TF."""

"""The thin-plate spline that moves a flat garment onto a person, as one constant matrix.

Facts: docs/facts/viton_hd.md#spline. Everything here is fp32: in 16 bits the grid would be half a pixel off.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from tryon.engines.viton_hd.architecture import LATTICE, Size
from tryon.engines.viton_hd.kept import kept_matrix

EDGE = 0.9
"""Lattice and result span -0.9 … 0.9 of the garment's picture, so a garment at rest is cropped by a twentieth on each side."""


def lattice(device: torch.device | str = "cpu") -> Tensor:
    """(25, 2) fp64: control points, x and y; x is the slow index."""
    axis = torch.linspace(-EDGE, EDGE, LATTICE, dtype=torch.float64, device=device)
    return torch.stack(torch.meshgrid(axis, axis, indexing="ij"), dim=-1).reshape(-1, 2)


def solved_system() -> Tensor:
    """(28, 28) fp64: the inverse of the spline's system of equations."""
    points = lattice()
    count = len(points)
    affine = torch.cat([torch.ones(count, 1, dtype=torch.float64), points], dim=1)
    system = torch.zeros(count + 3, count + 3, dtype=torch.float64)
    system[:count, :count] = _bending(torch.cdist(points, points, compute_mode="donot_use_mm_for_euclid_dist"))
    system[:count, count:], system[count:, :count] = affine, affine.T
    solved: Tensor = torch.linalg.inv(system)
    return solved


@kept_matrix(4)
def spline_matrix(size: Size, device: torch.device) -> Tensor:
    """(height * width, 25) fp32: how much each control point counts at each place of the result."""
    height, width = size
    rows = torch.linspace(-EDGE, EDGE, height, dtype=torch.float64)
    columns = torch.linspace(-EDGE, EDGE, width, dtype=torch.float64)
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    places = torch.stack([x.flatten(), y.flatten()], dim=1)
    weights = solved_system()[:, : LATTICE**2]
    bent = _bending(torch.cdist(places, lattice(), compute_mode="donot_use_mm_for_euclid_dist"))
    straight = torch.cat([torch.ones(len(places), 1, dtype=torch.float64), places], dim=1)
    return (bent @ weights[:-3] + straight @ weights[-3:]).float().to(device)


def grid_of(theta: Tensor, size: Size) -> Tensor:
    """Where on the flat garment each place of the result looks.

    Args:
        theta: (n, 50), offsets of the control points: 25 x, then 25 y.
        size: of the result.

    Returns:
        (n, height, width, 2) fp32, x before y, -1 … 1 from edge to edge.
    """
    offsets = theta.float().reshape(-1, 2, LATTICE**2).transpose(1, 2)
    points = lattice(theta.device).float() + offsets
    return (spline_matrix(size, theta.device) @ points).reshape(-1, *size, 2)


def warped(picture: Tensor, grid: Tensor) -> Tensor:
    """Look up values where a grid says; beyond the edge lies the edge.

    Args:
        picture: (n, c, h, w).
        grid: (n, rows, columns, 2).

    Returns:
        (n, c, rows, columns) fp32.
    """
    return functional.grid_sample(picture.float(), grid, mode="bilinear", padding_mode="border", align_corners=False)


def _bending(distance: Tensor) -> Tensor:
    """U(r) = r² ln r², 0 at 0."""
    square = distance.square()
    return torch.where(square == 0, 0, square * square.clamp(min=1e-300).log())

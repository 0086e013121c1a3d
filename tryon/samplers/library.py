"""Every solver by its name in the settings."""

from __future__ import annotations

from tryon.samplers.ddim import ddim
from tryon.samplers.dpmpp_2m import dpmpp_2m
from tryon.samplers.plms import plms
from tryon.samplers.solver import Solver
from tryon.samplers.unipc import unipc

SOLVERS: dict[str, Solver] = {"plms": plms, "ddim": ddim, "dpmpp_2m": dpmpp_2m, "unipc": unipc}

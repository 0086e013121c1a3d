"""Every solver by its name in the settings."""

from __future__ import annotations

from tryon.samplers.library import ddim, dpmpp_2m, unipc
from tryon.samplers.plms import plms
from tryon.samplers.solver import Solver

SOLVERS: dict[str, Solver] = {"plms": plms, "ddim": ddim, "dpmpp_2m": dpmpp_2m, "unipc": unipc}

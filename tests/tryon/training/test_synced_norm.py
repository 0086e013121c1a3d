"""Batch normalisation over processes: what one process with the whole batch has, two with half of it have as well."""

from __future__ import annotations

import os
import socket
import warnings
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from clean_processes import clean_processes
from torch import Tensor, nn

from tryon.training.synced_norm import SyncedBatchNorm, use_synced_norms

WHOLE = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(1)) * 3 + 5


def network() -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        made = nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 2, 3, bias=False))
    use_synced_norms(made)
    return made


def answered(made: nn.Module, called: nn.Module, given: Tensor) -> dict[str, Tensor]:
    """What comes out, gradients and statistics."""
    with torch.enable_grad():
        out = called(given)
        out.square().mean().backward()
    gradients = {
        f"gradient {name}": each.grad for name, each in made.named_parameters() if each.ndim > 1 or name.startswith("2.")
    }
    return {"out": out.detach(), **gradients, **dict(made.named_buffers())}


def half(rank: int, port: int, path: Path) -> None:
    """One of two processes."""
    warnings.simplefilter("ignore")
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    dist.init_process_group("gloo", rank=rank, world_size=2)
    made = network()
    found = answered(made, nn.parallel.DistributedDataParallel(made), WHOLE[2 * rank : 2 * rank + 2])
    if rank == 0:
        torch.save(found, path)
    dist.barrier()
    dist.destroy_process_group()


@pytest.mark.slow
def test_two_processes_have_the_whole_batchs_outputs_gradients_and_statistics(tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    both = [clean_processes().Process(target=half, args=(rank, port, tmp_path / "half.pt")) for rank in range(2)]
    for each in both:
        each.start()
    for each in both:
        each.join()
    assert [each.exitcode for each in both] == [0, 0]
    made = network()
    whole, halved = answered(made, made, WHOLE), torch.load(tmp_path / "half.pt")
    whole["out"] = whole["out"][:2]
    assert whole.keys() == halved.keys() and len(whole) == 11
    for name, tensor in whole.items():
        assert torch.allclose(halved[name], tensor, rtol=1e-4, atol=1e-5), name


def test_alone_it_is_the_plain_norm():
    made = network()
    plain = nn.BatchNorm2d(3)
    assert isinstance(made[0], SyncedBatchNorm) and torch.equal(made[0](WHOLE), plain(WHOLE))
    assert torch.equal(made[0].running_var, plain.running_var)

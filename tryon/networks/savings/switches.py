"""The exact savings: work the official code does whose result is thrown away or already known.

Each can be switched off, so that a test shows the answer is the same and a benchmark shows what it gained.
`OFFICIAL` is the cost of the published algorithm, `ALL` is what the engine does by default.
"""

from __future__ import annotations

from dataclasses import dataclass

from tryon.networks.attention import Kernel


@dataclass(frozen=True, kw_only=True)
class Savings:
    """What is not computed twice, or not at all; none of these changes the result beyond rounding."""

    skip_control_tail: bool = True  # encoder outputs 9 to 12 feed nothing: neither loaded nor run
    fold_single_token: bool = True  # softmax over one key is 1: text attention is a vector per block and garment, without queries
    tabulate_time: bool = True  # a step's time projections depend on t only: computed once per run of the sampler
    tabulate_context: bool = True  # keys and values of a context that stays the same over a picture's calls: projected once
    cache_garment: bool = True  # what is the same of a garment in every call (posterior, keys, values) is computed once and kept
    batch_guidance: bool = True  # guided and unguided pass as one double batch
    skip_unguided: bool = True  # a step without guidance needs no unguided answer
    wanted_tokens_only: bool = True  # a last block answers only the tokens whose answers are read
    fused_attention: bool = True  # scaled_dot_product_attention instead of an explicit score matrix
    block_attention: bool = True  # on CPUs without matrix tiles: blocks with packed keys instead of PyTorch's kernel
    channels_last: bool = True  # maps ↔ tokens without copies, and the faster convolution kernels
    prepack_weights: bool = True  # on CPUs weights lie in memory as the kernels want them, not rearranged in every call
    fold_upsampling: bool = True  # repeating pixels and then convolving 3x3 is four 2x2 convolutions of the small map

    @property
    def attention(self) -> Kernel:
        """The kernel that these savings ask for."""
        if not self.fused_attention:
            return Kernel.EXPLICIT
        return Kernel.BLOCKS if self.block_attention else Kernel.FUSED


ALL = Savings()
TRAINING = Savings(fold_single_token=False, prepack_weights=False, fold_upsampling=False, block_attention=False)
"""Those that keep every gradient of a published training; packed and folded weights have none."""
OFFICIAL = Savings(
    skip_control_tail=False,
    fold_single_token=False,
    tabulate_time=False,
    tabulate_context=False,
    cache_garment=False,
    batch_guidance=False,
    skip_unguided=False,
    wanted_tokens_only=False,
    block_attention=False,
    fused_attention=True,  # the official code uses xformers here; an explicit matrix would cripple the baseline
    channels_last=False,
    prepack_weights=False,
    fold_upsampling=False,
)

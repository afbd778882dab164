"""Named, weighted losses: predictions and targets go in, a sum to train on comes out, and averages for the log."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, distributed, nn

from mGPT.errors import ConfigError


class BaseLosses(nn.Module):
    """Sums and averages of named losses; any name is allowed.

    `losses` are the names, `params` their weights, `losses_func` their functions, each made as `cls(reduction="mean")`.
    The log name of `recons_feature` is `recons/feature/<split>`, of `fmt` it is `fmt/<split>`, and `total/<split>` is
    the sum.
    """

    def __init__(
        self,
        cfg: Any,
        losses: Sequence[str],
        params: Mapping[str, float],
        losses_func: Mapping[str, Callable[..., nn.Module]],
        num_joints: int | None = None,
        **kwargs: Any,  # some callers hand over more than is needed here
    ) -> None:
        super().__init__()
        missing = [name for name in losses if name not in params or name not in losses_func]
        if missing:
            raise ConfigError(
                f"losses: no weight or no function for {', '.join(missing)}; give both in params and losses_func"
            )
        self.cfg, self.num_joints = cfg, num_joints
        self.losses = [*losses, "total"] if "total" not in losses else list(losses)
        self._params = {name: float(weight) for name, weight in params.items()}
        self._losses_func = {name: losses_func[name](reduction="mean") for name in losses if name != "total"}
        self._sums: dict[str, Tensor] = {}
        self._seen: dict[str, int] = {}

    def names(self, split: str) -> list[str]:
        """The log names of a split."""
        return [self.loss2logname(name, split) for name in self.losses]

    def loss2logname(self, loss: str, split: str) -> str:
        """The name under which a loss is logged."""
        return f"{loss.replace('_', '/', 1)}/{split}"

    def reset(self) -> None:
        """Forget all sums."""
        self._sums, self._seen = {}, {}

    def compute(self, split: str) -> dict[str, Tensor]:
        """Averages since the last compute under their log names, over all processes; unseen losses are left out."""
        averages = {}
        for name, total in self._sums.items():
            pair = torch.stack([total.float(), total.new_tensor(float(self._seen[name]), dtype=torch.float32)])
            if distributed.is_available() and distributed.is_initialized():
                distributed.all_reduce(pair)
            averages[self.loss2logname(name, split)] = pair[0] / pair[1]
        self.reset()
        return averages

    def _update_loss(self, loss: str, outputs: Any, inputs: Any) -> Tensor:
        """One named loss of a batch: recorded as it is, returned times its weight."""
        value = self._losses_func[loss](outputs, inputs)
        self._record(loss, value)
        return self._params[loss] * value

    def _record(self, name: str, value: Tensor) -> None:
        value = value.detach()
        self._sums[name] = self._sums[name] + value if name in self._sums else value
        self._seen[name] = self._seen.get(name, 0) + 1

"""Pickles that hold tensors of torch beside arrays, read without running anything in them."""

from io import BytesIO
from pathlib import Path

import numpy as np

from avaflow.formats.array_pickles import ArrayUnpickler, Forbidden, read_array_pickle


def read_tensor_pickle(path: str | Path, what: str):
    """As :func:`avaflow.formats.array_pickles.read_array_pickle`; tensors become numpy arrays.

    Their numbers are read by torch's own reader of weights alone.
    """
    return read_array_pickle(path, what, TensorUnpickler)


def _storage(content) -> np.ndarray:
    """What a tensor's pickle calls with the bytes of its numbers, as torch.save writes them."""
    import torch

    # Nothing but storages and tensors is made by it, whatever the bytes ask for.
    storage = torch.load(BytesIO(content), map_location="cpu", weights_only=True)
    return torch.tensor([], dtype=storage.dtype).set_(storage).numpy()


def _tensor(storage, offset, size, stride, *_others) -> np.ndarray:
    """What a tensor's pickle calls to make it: a copy, so that sizes beyond the numbers fail."""
    if not isinstance(storage, np.ndarray):
        raise Forbidden("a tensor without numbers")
    counts, steps = [int(each) for each in size], [int(each) for each in stride]
    if int(offset) < 0 or len(counts) != len(steps) or min([0, *counts, *steps]) < 0:
        raise ValueError("a tensor of no shape")
    last = int(offset) + sum((c - 1) * s for c, s in zip(counts, steps, strict=True))
    if 0 not in counts and (last >= len(storage) or np.prod(counts, dtype=object) > len(storage)):
        raise ValueError("a tensor larger than its numbers")
    strides = [step * storage.itemsize for step in steps]
    part = storage[int(offset) :]
    return np.lib.stride_tricks.as_strided(part, counts, strides, writeable=False).copy()


class TensorUnpickler(ArrayUnpickler):
    """Finds the stand-ins for tensors too."""

    def find_class(self, module: str, name: str):
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if (module, name) == ("torch.storage", "_load_from_bytes"):
            return _storage
        return super().find_class(module, name)

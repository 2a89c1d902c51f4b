"""Writing networks as ONNX: the few messages of `onnx.proto` that a small network needs.

A file is a protobuf message: fields of a number, a kind and a value, one behind the other.
"""

import struct
from collections.abc import Mapping, Sequence

import numpy as np

IR_VERSION, OPSET = 8, 17
"""Of the format, and of the operations: both of 2022, which every reader of today knows."""

VARINT, COUNTED_BYTES, FOUR_BYTES = 0, 2, 5
"""Kinds of fields."""

ELEMENTS = {"float32": 1, "int8": 3, "int64": 7, "float16": 10}
"""Numbers of the types of a tensor's elements."""

FLOAT, INT, INTS = 1, 2, 7
"""Numbers of the types of an attribute."""


def _varint(value: int) -> bytes:
    value &= 2**64 - 1
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3 | VARINT) + _varint(value)


def _counted(field: int, content: bytes | str) -> bytes:
    content = content.encode() if isinstance(content, str) else content
    return _varint(field << 3 | COUNTED_BYTES) + _varint(len(content)) + content


def _attribute(name: str, value: int | float | Sequence[int]) -> bytes:
    if isinstance(value, float):
        told = _varint(2 << 3 | FOUR_BYTES) + struct.pack("<f", value) + _number(20, FLOAT)
    elif isinstance(value, int):
        told = _number(3, value) + _number(20, INT)
    else:
        told = b"".join(_number(8, one) for one in value) + _number(20, INTS)
    return _counted(1, name) + told


def node(operation: str, inputs: Sequence[str], output: str, **attributes) -> bytes:
    """A step of a network: an operation of ONNX on named values; it gives a named value."""
    told = b"".join(_counted(1, name) for name in inputs) + _counted(2, output)
    told += _counted(3, output) + _counted(4, operation)
    return told + b"".join(
        _counted(5, _attribute(name, value)) for name, value in sorted(attributes.items())
    )


def _tensor(name: str, values: np.ndarray) -> bytes:
    sides = b"".join(_number(1, side) for side in values.shape)
    content = np.ascontiguousarray(values).astype(values.dtype.newbyteorder("<")).tobytes()
    kind = _number(2, ELEMENTS[values.dtype.name])
    return sides + kind + _counted(8, name) + _counted(9, content)


def _images(name: str, shape: Sequence[int | str]) -> bytes:
    """A named value of floats; sides that are names may have any length."""
    sides = b"".join(
        _counted(1, _counted(2, side) if isinstance(side, str) else _number(1, side))
        for side in shape
    )
    kind = _counted(1, _number(1, ELEMENTS["float32"]) + _counted(2, sides))
    return _counted(1, name) + _counted(2, kind)


def onnx_bytes(
    nodes: Sequence[bytes],
    weights: Mapping[str, np.ndarray],
    given: tuple[str, Sequence[int | str]],
    found: tuple[str, Sequence[int | str]],
) -> bytes:
    """The content of an ONNX file.

    `nodes` are those of :func:`node` in the order of their work, `weights` the values that they
    name and none of them gives; `given` and `found` are name and shape of input and output.
    """
    graph = b"".join(_counted(1, one) for one in nodes) + _counted(2, "network")
    graph += b"".join(_counted(5, _tensor(name, values)) for name, values in weights.items())
    graph += _counted(11, _images(*given)) + _counted(12, _images(*found))
    operations = _counted(1, "") + _number(2, OPSET)
    return _number(1, IR_VERSION) + _counted(7, graph) + _counted(8, operations)

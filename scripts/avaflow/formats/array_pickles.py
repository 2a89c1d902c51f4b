"""Pickles of numpy arrays by strangers, read without running anything in them.

A pickle may call any function when it is loaded. Here it finds stand-ins for the few
classes that dicts of numpy arrays need, and nothing else.
"""

import pickle
from io import BytesIO
from pathlib import Path

import numpy as np

from avaflow.errors import UserError


def read_array_pickle(path: str | Path, what: str, reader: "type[ArrayUnpickler] | None" = None):
    """What a pickle holds: dicts, texts, numbers, and arrays as :class:`StoredArray`.

    Takes any pickle protocol, numpy version and Python (2 included). `what` names the
    expected kind of file in messages, `reader` is one that takes more. Raises UserError for a
    damaged file and for one that asks for anything else, which is not run.
    """
    content = Path(path).read_bytes()
    try:
        return (reader or ArrayUnpickler)(BytesIO(content), encoding="latin1").load()
    except Forbidden as error:
        raise UserError(
            f"{path}: expected a pickle of arrays only, found {error}. A pickle can run any "
            "program when it is read, so this one was not read; get it from a source you trust "
            "as a dict of numpy arrays"
        ) from None
    except Exception as error:
        # A damaged pickle may raise almost anything, from EOFError to UnicodeDecodeError.
        raise UserError(
            f"{path}: not a {what}, or cut short ({type(error).__name__}: {error})"
        ) from None


class Forbidden(Exception):
    """Something in a pickle that arrays do not need."""


class _Dtype:
    """Stands in for numpy.dtype while a pickle is read: a code such as `f8`, and byte order."""

    def __init__(self, code, *_flags) -> None:
        code = code.decode("latin1") if isinstance(code, bytes) else code
        if code.lstrip("<>=|") not in {"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2"}:
            raise Forbidden(f"an array of {code!r}")
        self.code = code

    def __setstate__(self, state) -> None:
        order = state[1].decode("latin1") if isinstance(state[1], bytes) else state[1]
        if order not in {"<", ">", "=", "|"}:
            raise Forbidden(f"byte order {order!r}")
        self.code = order + self.code.lstrip("<>=|")

    def as_numpy(self) -> np.dtype:
        return np.dtype(self.code)


class StoredArray:
    """Stands in for numpy.ndarray while a pickle is read, so that numpy sees no stranger's
    state: it is rebuilt from a checked dtype, shape and bytes afterwards."""

    def __init__(self, *_arguments) -> None:
        self.state: tuple | None = None

    def __setstate__(self, state) -> None:
        _version, shape, dtype, fortran, content = state
        self.fill(content, dtype, shape, "F" if fortran else "C")

    def fill(self, content, dtype, shape, order) -> None:
        if isinstance(content, str):  # Python 2 wrote its bytes as a string
            content = content.encode("latin1")
        if not isinstance(dtype, _Dtype) or not isinstance(content, bytes | bytearray):
            raise Forbidden("an array that is not plain numbers")
        self.state = (bytes(content), dtype, tuple(map(int, shape)), str(order))

    def as_numpy(self) -> np.ndarray:
        """The array itself; ValueError where its parts do not fit each other."""
        if self.state is None:
            raise ValueError("no content")
        content, dtype, shape, order = self.state
        array = np.frombuffer(content, dtype.as_numpy()).reshape(shape, order=order)
        if array.dtype.isnative:
            return array
        return array.astype(array.dtype.newbyteorder("="))


def _from_buffer(content, dtype, shape, order) -> StoredArray:
    """What protocol 5 calls to make an array."""
    array = StoredArray()
    array.fill(content, dtype, shape, order)
    return array


def _latin1_bytes(text, encoding="latin1") -> bytes:
    """How protocols 0 to 2 spell bytes: a call of `_codecs.encode`."""
    if not isinstance(text, str) or encoding not in {"latin1", "latin-1"}:
        raise Forbidden(f"text in {encoding!r}")
    return text.encode("latin1")


def _no_bytes() -> bytes:
    """How protocols 0 to 2 spell the content of an array without a box."""
    return b""


def _scalar(dtype, content) -> StoredArray:
    """A single numpy number, as an array without dimensions."""
    return _from_buffer(content, dtype, (), "C")


_STAND_INS = {
    ("collections", "OrderedDict"): dict,
    ("numpy", "ndarray"): StoredArray,
    ("numpy", "dtype"): _Dtype,
    ("_codecs", "encode"): _latin1_bytes,
    ("__builtin__", "bytes"): _no_bytes,
    **{
        (f"numpy.{core}.{module}", name): stand_in
        for core in ("core", "_core")
        for module, name, stand_in in (
            ("multiarray", "_reconstruct", StoredArray),
            ("multiarray", "scalar", _scalar),
            ("numeric", "_frombuffer", _from_buffer),
        )
    },
}


class ArrayUnpickler(pickle.Unpickler):
    """Finds nothing but the stand-ins, whatever a pickle asks for."""

    def find_class(self, module: str, name: str):
        try:
            return _STAND_INS[module, name]
        except KeyError:
            raise Forbidden(f"{module}.{name}") from None

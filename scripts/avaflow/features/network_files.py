"""Networks that a file or a folder holds whole: ONNX, TorchScript, and folders of VideoMAE.

What a file is, its content tells, never its name. ONNX is run by OpenVINO on a processor,
TorchScript by torch. ONNX holds no program but a graph of known operations; TorchScript is a
program in a language that knows no files, processes or network.
"""

import json
import os
import sys
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from avaflow.errors import UserError
from avaflow.features.network import torch_device
from avaflow.torch_threads import let_threads_sleep

HOW_TO_EXPORT = (
    "Expected a network with its weights in one file: ONNX, by "
    "torch.onnx.export(network, images, path, external_data=False), or TorchScript, by "
    "torch.jit.trace(network, images).save(path)."
)

GRAPH_FIELD = 7
"""Number of the field `graph` of ONNX's `ModelProto`."""

MODEL_FIELDS = frozenset([*range(1, 9), 14, 20, 25, 26])
"""Numbers of the fields of `ModelProto` in ONNX's `onnx.proto`, up to IR version 13."""

VARINT, EIGHT_BYTES, COUNTED_BYTES, FOUR_BYTES = 0, 1, 2, 5
"""Kinds of fields in protobuf's encoding."""

MOST_VARINT_BYTES = 10
"""Of protobuf's encoding of 64 bits, 7 in each byte."""

VIDEOMAE_CONFIG = "config.json"

VIDEOMAE_WEIGHTS = "model.safetensors"

HOW_TO_INSTALL = (
    "features.architecture: videomae needs the package transformers, which is not installed. "
    "Add it: uv run --group videomae snakemake ..., or pip install transformers."
)


def kind_of(path: str | Path) -> str:
    """`onnx` or `torchscript`, from a file's content; UserError for anything else."""
    path = Path(path)
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            inside = [name.split("/", 1)[-1] for name in archive.namelist()]
        if "constants.pkl" in inside and any(name.startswith("code/") for name in inside):
            return "torchscript"
        what = "weights without their network" if "data.pkl" in inside else "a zip of other files"
        raise UserError(f"features.weights: {path} holds {what}. {HOW_TO_EXPORT}")
    with open(path, "rb") as stream:
        begin = stream.read(4)
        stream.seek(0)
        if begin == b"PK\x03\x04":
            raise UserError(
                f"features.weights: {path} is cut short ({path.stat().st_size} bytes): its end, "
                "which tells what is where, is missing. Copy it again."
            )
        fields = _protobuf_fields(stream, path.stat().st_size)
    if fields is None or GRAPH_FIELD not in fields or not fields <= MODEL_FIELDS:
        raise UserError(
            f"features.weights: {path} is neither ONNX nor TorchScript, or is cut short. "
            f"{HOW_TO_EXPORT}"
        )
    return "onnx"


def _protobuf_fields(stream: BinaryIO, size: int) -> set[int] | None:
    """Numbers of the outermost fields of a protobuf message; None for what is no such, whole."""
    found = set()
    while stream.tell() < size:
        key = _varint(stream)
        if key is None:
            return None
        found.add(key >> 3)
        kind = key & 7
        length: int | None
        if kind == VARINT:
            length = None if _varint(stream) is None else 0
        else:
            length = {EIGHT_BYTES: 8, FOUR_BYTES: 4}.get(kind)
            if kind == COUNTED_BYTES:
                length = _varint(stream)
        if length is None or stream.tell() + length > size:
            return None
        stream.seek(length, os.SEEK_CUR)
    return found


def _varint(stream: BinaryIO) -> int | None:
    value = 0
    for place in range(MOST_VARINT_BYTES):
        byte = stream.read(1)
        if not byte:
            return None
        value |= (byte[0] & 0x7F) << 7 * place
        if byte[0] < 0x80:
            return value
    return None


def load_exported(path: str | Path, settings: Mapping, threads: int):
    """The network of a file; UserError for one that is none, or cannot run as asked.

    `settings` is the config's section `features`.
    """
    if kind_of(path) == "onnx":
        return OnnxNetwork(path, settings["precision"], threads)
    return TorchScriptNetwork(path, settings["device"], settings["precision"], threads)


class OnnxNetwork:
    """A network of ONNX, run by OpenVINO on the processor."""

    def __init__(self, path: str | Path, precision: str, threads: int):
        # OpenVINO does without this package if it cannot be imported; it has no other switch.
        sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
        import openvino

        self.name = str(path)
        core = openvino.Core()
        try:
            # From its bytes, so that it cannot name other files to read.
            model = core.read_model(Path(path).read_bytes())
        except Exception as error:
            raise UserError(
                f"features.weights: {path} cannot be read by OpenVINO ({_last_line(error)}). "
                f"{HOW_TO_EXPORT}"
            ) from None
        if len(model.inputs) != 1:
            raise UserError(
                f"features.weights: {path}: expected a network of one input, the images, found "
                f"{len(model.inputs)}. Export one that takes images alone."
            )
        self._type = model.input(0).element_type
        if not self._type.is_real():
            raise UserError(
                f"features.weights: {path}: expected a network of images whose values are floats, "
                f"found {self._type.get_type_name()}. Export it without what comes before."
            )
        self._axes = _axes(model.input(0).partial_shape)
        self.rows = self._axes[0] if self._axes else None
        # Without a word OpenVINO would round to bfloat16 on processors that know it.
        rounding = {"bfloat16": openvino.Type.bf16}.get(precision, openvino.Type.f32)
        try:
            self._compiled = core.compile_model(
                model,
                "CPU",
                {
                    "INFERENCE_PRECISION_HINT": rounding,
                    "INFERENCE_NUM_THREADS": threads,
                    "ENABLE_CPU_PINNING": False,
                    "NUM_STREAMS": 1,
                },
            )
        except Exception as error:
            raise UserError(
                f"features.weights: {path} cannot be run by OpenVINO ({_last_line(error)}). "
                f"{HOW_TO_EXPORT}"
            ) from None

    def shape_problem(self, shape: Sequence[int]) -> str:
        """Why it cannot take an array of this shape; else empty."""
        if self._axes is None or (
            len(self._axes) == len(shape)
            and all(axis in (None, side) for axis, side in zip(self._axes, shape, strict=True))
        ):
            return ""
        return f"it takes {' x '.join('any' if axis is None else str(axis) for axis in self._axes)}"

    def __call__(self, values: np.ndarray) -> np.ndarray:
        return self._compiled(values.astype(self._type.to_dtype(), copy=False))[0]


def _axes(shape) -> list[int | None] | None:
    """The lengths of a network's input, None where any will do; None if it does not say."""
    if shape.rank.is_dynamic:
        return None
    return [None if axis.is_dynamic else axis.get_length() for axis in shape]


class TorchScriptNetwork:
    """A network of TorchScript, run by torch."""

    rows = None

    def __init__(self, path: str | Path, device: str | int, precision: str, threads: int):
        self.name = str(path)
        self._run = _TorchRun(device, precision, threads)
        import torch

        try:
            with warnings.catch_warnings():
                # torch means to give it up, some day; nothing a user could fix.
                warnings.simplefilter("ignore")
                network = torch.jit.load(str(path), map_location=self._run.place)
        except Exception as error:
            raise UserError(
                f"features.weights: {path} cannot be read by torch ({_last_line(error)}). "
                f"{HOW_TO_EXPORT}"
            ) from None
        self._network = network.eval().float()

    def shape_problem(self, shape: Sequence[int]) -> str:
        """Nothing: it does not say what it takes."""
        return ""

    def __call__(self, values: np.ndarray) -> np.ndarray:
        import torch

        # Optimised runs begin after some plain ones, and would differ from them by a rounding.
        with torch.jit.optimized_execution(False):
            given = self._run(self._network, values)
        while not isinstance(given, torch.Tensor):
            given = next(iter(given.values() if isinstance(given, Mapping) else given))
        return given.float().cpu().numpy()


class _TorchRun:
    """Where and how torch computes."""

    def __init__(self, device: str | int, precision: str, threads: int):
        let_threads_sleep()
        import torch

        torch.set_num_threads(threads)
        self.place = torch_device(device)
        self.half = {"bfloat16": torch.bfloat16, "float16": torch.float16}.get(precision)
        if self.place.type == "cuda":
            # Rounds to 10 bits by default, and adds in any order.
            torch.backends.cudnn.allow_tf32 = False
            torch.backends.cudnn.deterministic = True

    def __call__(self, network, values: np.ndarray) -> Any:
        import torch

        with (
            torch.inference_mode(),
            torch.autocast(self.place.type, self.half or torch.bfloat16, bool(self.half)),
        ):
            return network(torch.from_numpy(values).to(self.place))


def videomae_files(folder: str | Path) -> list[str]:
    """The files of a folder of VideoMAE that are read: its config, and its weights."""
    return [str(Path(folder, name)) for name in (VIDEOMAE_CONFIG, VIDEOMAE_WEIGHTS)]


def videomae_problems(settings: Mapping) -> list[str]:
    """What keeps a folder of VideoMAE from being used so, one sentence each.

    `settings` is the config's section `features`.
    """
    folder = settings["weights"]
    missing = [path for path in videomae_files(folder) if not Path(path).is_file()]
    if missing:
        return [
            f"weights: {folder}: expected a folder with {VIDEOMAE_CONFIG} and {VIDEOMAE_WEIGHTS}, "
            "as a model of VideoMAE is downloaded from Hugging Face, found no "
            f"{' and no '.join(Path(path).name for path in missing)}; nothing is downloaded by "
            "itself"
        ]
    path = Path(folder, VIDEOMAE_CONFIG)
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        kind, side, frames = (told.get(n) for n in ("model_type", "image_size", "num_frames"))
    except (ValueError, AttributeError):
        return [f"weights: {path} is no JSON of a model: download it again"]
    if kind != "videomae":
        return [f"weights: {path}: expected the model_type videomae, found {kind!r}"]
    sides = side if isinstance(side, list) else [side, side]
    asked = settings["size"] if isinstance(settings["size"], list) else [settings["size"]] * 2
    problems = []
    if sides[::-1] != asked:
        problems.append(f"size: expected {side}, as {path} says, found {settings['size']}")
    if frames != settings["num_frames"]:
        problems.append(
            f"num_frames: expected {frames}, as {path} says, found {settings['num_frames']}"
        )
    return problems


class VideoMaeNetwork:
    """VideoMAE from a folder on the disk, by transformers; the mean of its tokens is the feature.

    Its images come as (windows, time, channels, height, width).
    """

    rows = None

    def __init__(self, folder: str | Path, device: str | int, precision: str, threads: int):
        self.name = str(folder)
        self._run = _TorchRun(device, precision, threads)
        try:
            # By its name, as it is no dependency: who wants it adds it.
            transformers = import_module("transformers")
        except ImportError:
            raise UserError(HOW_TO_INSTALL) from None
        transformers.logging.set_verbosity_error()
        try:
            network, told = transformers.VideoMAEModel.from_pretrained(
                str(folder), local_files_only=True, use_safetensors=True, output_loading_info=True
            )
        except Exception as error:
            raise UserError(
                f"features.weights: {folder} cannot be read as VideoMAE ({_last_line(error)}). "
                "Download its files again."
            ) from None
        wrong = sorted(told["missing_keys"]) + [str(one) for one in told["mismatched_keys"]]
        if wrong:
            raise UserError(
                f"features.weights: {folder}: {len(wrong)} weights of VideoMAE are missing or of "
                f"another shape, such as {wrong[0]}, and weights are never made up. Expected "
                f"{VIDEOMAE_WEIGHTS} to be of the network that {VIDEOMAE_CONFIG} tells of."
            )
        self._network = network.eval().to(self._run.place)

    def shape_problem(self, shape: Sequence[int]) -> str:
        """Nothing: what its folder says was compared before any job ran."""
        return ""

    def __call__(self, values: np.ndarray) -> np.ndarray:
        given = self._run(self._network, values)
        return given.last_hidden_state.float().mean(1).cpu().numpy()


def _last_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__)[:300]

"""What the model said of pictures, kept in a file: an interrupted run goes on without asking it again.

The file begins with one line of JSON that says which model answered. Each record after it is the SHA-256 of a picture
(the square that the model sees), the length and the CRC-32 of an answer, and the answer. A record that was cut off ends
the file: it is dropped when the file is opened.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import struct
import zlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from depthart_core.inference import Backend, Inference, ScaleGuess
from depthart_ros.errors import BagError

FORMAT = "depthart-answers/1"
HEAD = struct.Struct("<32sII")  # SHA-256, length and CRC-32 of the answer


class Answers:
    """A file of answers, open and locked for the time of a `with` block.

    Args:
        path: made where it is missing; begun anew where it is of another model.
        model: what identifies the model and its options.

    Raises:
        BagError: another process has it open, or it cannot be written.
    """

    def __init__(self, path: Path, model: Mapping[str, str]) -> None:
        self.path = path
        self._places: dict[bytes, tuple[int, int]] = {}
        self._file = _open_locked(path)
        try:
            self._end = self._begin(json.dumps({"format": FORMAT, **model}).encode() + b"\n")
        except OSError as error:
            with suppress(OSError):
                self._file.close()
            raise _unwritable(path, error) from error

    def __len__(self) -> int:
        return len(self._places)

    def __enter__(self) -> Answers:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close and unlock the file; what could not be written has been said."""
        with suppress(OSError):
            self._file.close()

    def find(self, picture: bytes) -> Inference | None:
        """Return the answer to the picture of a SHA-256, None where there is none."""
        place = self._places.get(picture)
        if place is None:
            return None
        self._file.seek(place[0])
        return _unpacked(self._file.read(place[1]))

    def add(self, picture: bytes, answer: Inference) -> None:
        """Keep the answer to the picture of a SHA-256.

        Raises:
            BagError: the disk is full or gone.
        """
        content = _packed(answer)
        try:
            self._file.seek(self._end)
            self._file.write(HEAD.pack(picture, len(content), zlib.crc32(content)) + content)
            self._file.flush()
        except OSError as error:
            raise _unwritable(self.path, error) from error
        self._places[picture] = (self._end + HEAD.size, len(content))
        self._end += HEAD.size + len(content)

    def _begin(self, first: bytes) -> int:
        """Find the records after the first line, or write that where it is another; returns where the next may go."""
        if self._file.readline() == first:
            end = self._scan()
        else:
            end = len(first)
            self._file.seek(0)
            self._file.truncate()
            self._file.write(first)
        self._file.truncate(end)
        return end

    def _scan(self) -> int:
        """Find every whole record; returns where the last of them ends."""
        end = self._file.tell()
        while len(head := self._file.read(HEAD.size)) == HEAD.size:
            picture, length, checksum = HEAD.unpack(head)
            content = self._file.read(length)
            if len(content) < length or zlib.crc32(content) != checksum:
                break
            self._places[picture] = (end + HEAD.size, length)
            end += HEAD.size + length
        return end


class RememberingBackend:
    """A Backend that asks another one for nothing but what that has not answered yet.

    Args:
        backend: the one to ask.
        answers: the ones it has given so far; new ones are added.
    """

    def __init__(self, backend: Backend, answers: Answers) -> None:
        self._backend = backend
        self._answers = answers
        self.input_size, self.heads, self.scales = backend.input_size, backend.heads, backend.scales
        self.precision = backend.precision
        self.anytime = False  # here every frame has the time it needs

    def infer(self, rgb: npt.NDArray[np.uint8], *, deadline: float | None = None) -> Inference:
        """See Backend; the deadline is ignored."""
        del deadline
        picture = hashlib.sha256(rgb.tobytes()).digest()
        known = self._answers.find(picture)
        if known is not None:
            return known
        answer = self._backend.infer(rgb)
        self._answers.add(picture, answer)
        return answer


def _unwritable(path: Path, error: OSError) -> BagError:
    return BagError(f"{path} cannot be written: {error.strerror}; the same command goes on once it can")


def _open_locked(path: Path) -> BinaryIO:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o644), "r+b")
    except OSError as error:
        raise BagError(f"{path} cannot be written: {error.strerror}") from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.close()
        raise BagError(f"another `depthart bag` is writing beside {path.parent}; let it end first") from error
    except OSError as error:  # a file system without locks
        file.close()
        raise BagError(f"{path} cannot be locked: {error.strerror}") from error
    return file


def _packed(answer: Inference) -> bytes:
    """Return one line of JSON and the arrays."""
    guess = answer.canonical
    facts = {
        "size": answer.depth.shape[0],
        "confidence": answer.confidence is not None,
        "canonical": None if guess is None else [guess.metres_per_unit, guess.relative_error],
        "scales": answer.scales,
    }
    arrays = [answer.depth] if answer.confidence is None else [answer.depth, answer.confidence]
    return b"\n".join(
        [json.dumps(facts).encode(), b"".join(np.ascontiguousarray(array, "<f4").tobytes() for array in arrays)]
    )


def _unpacked(content: bytes) -> Inference:
    line, _, data = content.partition(b"\n")
    facts = json.loads(line)
    size = facts["size"]
    arrays = np.frombuffer(data, "<f4").reshape(-1, size, size)
    guess = facts["canonical"]
    return Inference(
        arrays[0],
        arrays[1] if facts["confidence"] else None,
        None if guess is None else ScaleGuess(*guess),
        facts["scales"],
    )

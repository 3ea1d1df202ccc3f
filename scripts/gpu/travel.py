"""Files to a machine without network and back, in pieces that fit a call: ``python3 scripts/gpu/travel.py pack ...``.

A folder of pieces holds parts of files and manifest.json, which says what belongs together; every folder of one journey
carries the whole manifest. ``receive`` takes the folders one after the other, in any order, joins what is complete,
checks it, and unpacks archives; its status is 3 as long as something is missing. This file needs nothing but Python:
where it receives, nothing else is there yet.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import sys
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

MEBI = 2**20
PART = 15 * MEBI
"""Largest file that travels."""
MANIFEST = "manifest.json"
MANIFEST_ROOM = MEBI // 16
INCOMPLETE = 3
"""Status of a receiver that waits for more."""
ARCHIVES = (".tar.xz", ".tar.gz")
"""Files of these names are unpacked where they arrive; a shard (.tar) is not."""


class TravelError(Exception):
    """Pieces that cannot be packed or joined."""


@dataclass(frozen=True)
class Travelling:
    """One file on its way.

    Attributes:
        name: Where it goes, below the folder of the receiver.
        size: In bytes.
        sha256: Of its content.
        parts: Its pieces in order.
    """

    name: str
    size: int
    sha256: str
    parts: tuple[str, ...]


@dataclass
class Packer:
    """Fills folder after folder with parts, each to its last byte.

    Attributes:
        out: Gets the folders call-1, call-2, ...
        room: Bytes of parts in one folder.
        folders: Those begun so far.
        left: Bytes left in the last one.
        count: Parts written so far.
    """

    out: Path
    room: int
    folders: list[Path] = field(default_factory=list)
    left: int = 0
    count: int = 0

    def add(self, name: str, path: Path) -> Travelling:
        """Cut one file."""
        digest, parts = hashlib.sha256(), []
        with path.open("rb") as file:
            while content := file.read(min(self.left or self.room, PART)):
                digest.update(content)
                parts.append(self._write(content))
        return Travelling(name, path.stat().st_size, digest.hexdigest(), tuple(parts))

    def _write(self, content: bytes) -> str:
        if not self.left:
            self.folders.append(self.out / f"call-{len(self.folders) + 1}")
            self.folders[-1].mkdir(parents=True)
            self.left = self.room
        name = f"part-{self.count:03}"
        (self.folders[-1] / name).write_bytes(content)
        self.left -= len(content)
        self.count += 1
        return name


def pack(files: Mapping[str, Path], out: Path, *, limit: int) -> list[Path]:
    """Cut files into folders of pieces.

    Args:
        files: Name at the receiver -> file here.
        out: Of the folders; those of an earlier journey are removed.
        limit: Bytes that fit into one folder.

    Returns:
        The folders.

    Raises:
        TravelError: A file is missing, or the limit leaves no room.
    """
    missing = [str(path) for path in files.values() if not path.is_file()]
    if missing or not files:
        raise TravelError(f"cannot pack {', '.join(missing) or 'nothing'}: expected files")
    if limit <= MANIFEST_ROOM:
        raise TravelError(f"{limit} bytes a call leave no room, expected more than {MANIFEST_ROOM}")
    for old in out.glob("call-*"):
        shutil.rmtree(old)
    packer = Packer(out, limit - MANIFEST_ROOM)
    manifest = [asdict(packer.add(name, path)) for name, path in files.items()]
    for folder in packer.folders:
        (folder / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    return packer.folders


def receive(folder: Path, into: Path) -> list[str]:
    """Take one folder of pieces; what is complete by now is joined, checked and, where it is an archive, unpacked.

    Args:
        folder: One that `pack` wrote; it stays as it is.
        into: Gets the files, and keeps parts that wait for others in waiting/.

    Returns:
        Names of the files that still miss parts.

    Raises:
        TravelError: No manifest, or a file is not the one that was packed.
    """
    try:
        values = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        manifest = [Travelling(**{**item, "parts": tuple(item["parts"])}) for item in values]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TravelError(f"{folder} is no folder of pieces: expected {MANIFEST} in it ({error!r})") from error
    waiting = into / "waiting"
    waiting.mkdir(parents=True, exist_ok=True)
    for part in folder.glob("part-*"):
        shutil.copyfile(part, waiting / part.name)
    return [file.name for file in manifest if not _arrived(file, waiting, into)]


def _arrived(file: Travelling, waiting: Path, into: Path) -> bool:
    """Whether a file is here; joins it where its last part has just come."""
    key = hashlib.sha256(f"{file.name}\0{file.sha256}".encode()).hexdigest()  # equal files go to several places
    stamp = waiting / f"{key}.here"
    parts = [waiting / part for part in file.parts]
    if stamp.exists():
        return True
    if not all(part.exists() for part in parts):
        return False
    target = into / file.name
    target.parent.mkdir(parents=True, exist_ok=True)
    _join(parts, target, file)
    if file.name.endswith(ARCHIVES):
        with tarfile.open(target) as archive:
            archive.extractall(target.parent, filter="data")
        target.unlink()
    for part in parts:
        part.unlink()
    stamp.touch()
    return True


def _join(parts: Sequence[Path], target: Path, file: Travelling) -> None:
    digest, temporary = hashlib.sha256(), target.with_name(f"{target.name}.tmp")
    with temporary.open("wb") as joined:
        for part in parts:
            content = part.read_bytes()
            digest.update(content)
            joined.write(content)
    if digest.hexdigest() != file.sha256:
        temporary.unlink()
        raise TravelError(f"{file.name}: {digest.hexdigest()} after the journey, expected {file.sha256}")
    temporary.replace(target)


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="travel.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    packing = commands.add_parser("pack", help="cut files into folders of pieces")
    packing.add_argument("files", nargs="+", metavar="NAME=PATH", help="name at the receiver = file here")
    packing.add_argument("--out", type=Path, required=True, help="gets call-1, call-2, ...")
    packing.add_argument("--limit-mib", type=float, required=True, help="of one folder")
    packing.add_argument("--one-call", action="store_true", help="fail where one folder does not hold it all")
    receiving = commands.add_parser("receive", help="take a folder of pieces")
    receiving.add_argument("folder", type=Path)
    receiving.add_argument("--into", type=Path, required=True)
    return parser.parse_args(arguments)


def run(args: argparse.Namespace) -> int:
    """Pack or receive, and say what there is; returns the status."""
    if args.command == "receive":
        missing = receive(args.folder, args.into)
        print(f"{args.into}: {'still waiting for ' + ', '.join(missing) if missing else 'everything is here'}")
        return INCOMPLETE if missing else 0
    files = {name: Path(path) for name, _, path in (item.partition("=") for item in args.files)}
    folders = pack(files, args.out, limit=int(args.limit_mib * MEBI))
    if args.one_call and len(folders) > 1:
        raise TravelError(f"{', '.join(files)} fill {len(folders)} calls of {args.limit_mib:g} MiB, expected one")
    print("\n".join(map(str, folders)))
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 when done, `INCOMPLETE` when files are still to come, 1 with one sentence otherwise."""
    try:
        return run(parse_arguments(arguments))
    except (TravelError, OSError) as error:
        print(f"travel.py: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())

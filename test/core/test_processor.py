"""The processor's name, from what Linux says of one on x86-64 and on Arm."""

import platform

import pytest

from depthart_core.processor import has_vnni, processor_name

EPYC = "processor\t: {}\nvendor_id\t: AuthenticAMD\nmodel\t\t: 1\nmodel name\t: AMD EPYC 7B13\nflags\t\t: fpu avx2\n\n"
ORIN = """processor\t: {}
BogoMIPS\t: 62.50
Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp uscat ilrcpc flagm
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x0
CPU part\t: 0xd42
CPU revision\t: 1

"""  # noqa: E501
L4T = ORIN.replace("BogoMIPS", "model name\t: ARMv8 Processor rev 1 (v8l)\nBogoMIPS")
RK3588 = [ORIN.replace("0xd42", part) for part in ("0xd05", "0xd0b")]


def two(description):
    return description.format(0) + description.format(1)


@pytest.mark.parametrize(
    ("processors", "board", "name"),
    [
        (two(EPYC), "", "AMD EPYC 7B13"),
        (two(ORIN), "NVIDIA Jetson AGX Orin Developer Kit\0", "NVIDIA Jetson AGX Orin Developer Kit"),
        (two(L4T), "NVIDIA Jetson AGX Orin Developer Kit\0", "NVIDIA Jetson AGX Orin Developer Kit"),
        (two(L4T), "", f"{platform.machine()}, 0x41:0xd42"),
        (two(ORIN), "", f"{platform.machine()}, 0x41:0xd42"),  # in a container
        (two(RK3588[0]) + two(RK3588[1]), "", f"{platform.machine()}, 0x41:0xd05, 0x41:0xd0b"),
        ("", "", platform.machine()),
    ],
)
def test_a_processor_is_named_by_itself_its_board_or_its_cores(tmp_path, processors, board, name):
    (tmp_path / "cpuinfo").write_text(processors)
    (tmp_path / "model").write_text(board)
    assert processor_name(tmp_path / "cpuinfo", tmp_path / "model") == name


def test_where_the_system_describes_nothing_its_kind_remains(tmp_path):
    assert processor_name(tmp_path / "cpuinfo", tmp_path / "model") == platform.machine()


@pytest.mark.parametrize(
    ("flags", "has"),
    [("fpu avx2", False), ("fpu avx2 avx512_vnni", True), ("fpu avx_vnni", True), ("avx_vnni_int8", False)],
)
def test_vnni_is_known_by_its_flags(tmp_path, flags, has):
    processors = tmp_path / "cpuinfo"
    processors.write_text(two(EPYC.replace("fpu avx2", flags)))
    assert has_vnni(processors) is has
    assert not has_vnni(tmp_path / "none")

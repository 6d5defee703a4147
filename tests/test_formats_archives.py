"""Archives, names in them, and the language of what is in files."""

import bz2
import gzip
import io
import lzma
import random
import stat
import subprocess
import sys
import tarfile
import time
import zipfile
import zlib

import py7zr
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contents import check, checked, is_harmless
from index.errors import EmptyFileError, UnreadableFileError
from index.formats.archives.seven_zip import load_7z
from index.formats.archives.tar_archive import load_compressed, load_tar
from index.formats.archives.zip_archive import load_zip
from index.formats.content import Content
from index.formats.language import language_of
from index.formats.naming import Names, safe_name


def packed(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return file.getvalue()


def read(content: bytes, *passwords: str) -> Content:
    loaded = load_zip(content, passwords)
    check(loaded)
    return loaded


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_members_are_parts(method):
    content = read(
        packed(("a/b.txt", b"words"), ("a/", b""), ("Größe.csv", b"1,2"), ("__MACOSX/._b", b"x"), method=method)
    )
    assert [(part.name, part.content) for part in content.parts] == [("a/b.txt", b"words"), ("Größe.csv", b"1,2")]
    assert content.notes == ()


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd", "etc/passwd"),
        ("/etc/passwd", "etc/passwd"),
        ("C:\\Windows\\x.dll", "Windows/x.dll"),
        ("a/./b//c/", "a/b/c"),
        ("..\\..\\x", "x"),
        ("a\nb.txt", "a{U+000A}b.txt"),
        ("invoice\u202efdp.exe", "invoice{U+202E}fdp.exe"),
        ("a\0b", "a{U+0000}b"),
        ("\ud800.txt", "{U+D800}.txt"),
        ("..", "unnamed"),
        ("", "unnamed"),
        ("Größe 東京.txt", "Größe 東京.txt"),
        ("x" * 500 + ".pdf", "x" * 199 + "…" + "x" * 36 + ".pdf"),
        ("C:../x", "x"),
        (" .. /x", "x"),
    ],
)
def test_names_are_made_harmless(name, safe):
    assert safe_name(name) == safe


@given(names=st.lists(st.text(st.sampled_from("ab./\\:C \n\u202e\0\ud800") | st.characters()), max_size=8))
def test_every_name_is_harmless_and_given_once(names):
    given_out = Names()
    fresh = [given_out.fresh(name) for name in names]
    assert all(map(is_harmless, fresh))
    assert len({name.casefold() for name in fresh}) == len(names)


def test_ten_thousand_files_of_one_name_are_numbered_in_no_time():
    names = Names()
    begun = time.process_time()
    assert [names.fresh("a.txt") for _ in range(10_000)][-1] == "a (10000).txt"
    assert time.process_time() - begun < 2


def test_links_are_refused():
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    content = read(file.getvalue())
    assert content.parts == ()
    assert content.notes == ("link is a link to somewhere else",)


def test_a_bomb_is_not_unpacked():
    # As 42.zip: members of which each is the same, of zeros without end, and archives of such archives.
    zeros = packed(*((f"{n}.dll", bytes(20_000_000)) for n in range(4)))
    begun = time.process_time()
    content = read(zeros)
    assert content.parts == ()
    assert content.notes == (
        "4 files are left out, each of which would grow more than 250-fold: 0.dll, 1.dll, 2.dll and 1 more",
    )
    assert [part.content for part in read(packed(("in.zip", zeros))).parts] == [zeros]
    assert time.process_time() - begun < 2


def test_a_bomb_that_lies_about_its_size_is_stopped(monkeypatch):
    monkeypatch.setattr("index.formats.archives.unpacked.MAX_PARTS_BYTES", 1_000_000)
    monkeypatch.setattr("index.formats.archives.zip_archive.MAX_PARTS_BYTES", 1_000_000)
    honest = packed(("a", b"first"), ("b", bytes(20_000_000)))
    size = (20_000_000).to_bytes(4, "little")
    assert honest.count(size) >= 1
    content = read(honest.replace(size, (100).to_bytes(4, "little")))
    assert sum(len(part.content) for part in content.parts) <= 105


def test_all_together_is_bounded(monkeypatch):
    monkeypatch.setattr("index.formats.archives.unpacked.MAX_PARTS_BYTES", 250)
    monkeypatch.setattr("index.formats.archives.unpacked.MAX_PARTS", 3)
    content = read(packed(*((str(n), bytes(100)) for n in range(5))))
    assert [part.name for part in content.parts] == ["0", "1"]
    assert content.notes == (
        "3 files are left out, each of which exceeds the size limit for the whole archive: 2, 3, 4",
    )


def encrypted(password: bytes, name: str, words: bytes) -> bytes:
    """An archive with one stored member, encrypted as PKWARE's APPNOTE 6.1 has it."""
    keys = [0x12345678, 0x23456789, 0x34567890]

    def crc(value: int, byte: int) -> int:
        return ~zlib.crc32(bytes([byte]), ~value & 0xFFFFFFFF) & 0xFFFFFFFF

    def update(byte: int) -> None:
        keys[0] = crc(keys[0], byte)
        keys[1] = ((keys[1] + (keys[0] & 0xFF)) * 134775813 + 1) & 0xFFFFFFFF
        keys[2] = crc(keys[2], keys[1] >> 24)

    def encrypt(byte: int) -> int:
        mixed = (keys[2] | 2) & 0xFFFF
        out = byte ^ (((mixed * (mixed ^ 1)) >> 8) & 0xFF)
        update(byte)
        return out

    for byte in password:
        update(byte)
    header = bytes(11) + bytes([zlib.crc32(words) >> 24])
    body = bytes(encrypt(byte) for byte in header + words)
    plain = bytearray(packed((name, body), method=zipfile.ZIP_STORED))
    central = plain.index(b"PK\x01\x02")
    for at, flags, checksum, size in ((0, 6, 14, 22), (central, 8, 16, 24)):
        plain[at + flags] |= 1
        plain[at + checksum : at + checksum + 4] = zlib.crc32(words).to_bytes(4, "little")
        plain[at + size : at + size + 4] = len(words).to_bytes(4, "little")
    return bytes(plain)


def test_encrypted_members_need_a_password():
    archive = encrypted(b"secret", "a.txt", b"words")
    assert read(archive).notes == ("a.txt needs a password",)
    assert read(archive, "wrong").notes == ("a.txt needs a password",)
    assert [part.content for part in read(archive, "wrong", "secret").parts] == [b"words"]


def test_a_damaged_member_is_left_out_and_the_others_read():
    content = packed(("a", b"first words"), ("b", b"second words"), ("c", b"third words"), method=zipfile.ZIP_STORED)
    loaded = read(content.replace(b"second words", b"sEcond words"))
    assert [part.name for part in loaded.parts] == ["a", "c"]
    assert loaded.notes == ("b is damaged",)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_of_an_archive_that_is_cut_off_the_beginning_is_read(method):
    content = packed(("a", b"first words " * 50), ("b", b"second words"), ("c", bytes(range(256)) * 50), method=method)
    loaded = read(content[: content.index(b"PK\x01\x02") - 60])
    assert [part.name for part in loaded.parts] == ["a", "b"]
    assert loaded.parts[0].content == b"first words " * 50
    assert loaded.notes == ("the archive's end is missing: there may have been more files", "c is damaged")


def test_what_holds_nothing_is_empty_and_what_is_none_refused():
    with pytest.raises(EmptyFileError):
        load_zip(packed())
    for other in (b"", b"words", b"PK"):
        with pytest.raises(UnreadableFileError, match="not a ZIP archive"):
            load_zip(other)


@settings(max_examples=200)
@given(data=st.data())
def test_an_archive_with_any_bytes_changed_is_read_or_refused(data):
    content = bytearray(packed(("a", b"first words " * 5), ("b", b"second"), ("c/d", b"third")))
    for at in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=3)):
        content[at] = data.draw(st.integers(0, 255))
    checked(load_zip, bytes(content[: data.draw(st.integers(0, len(content)))]))


@given(content=st.binary(max_size=500))
def test_any_bytes_are_read_or_refused(content):
    checked(load_zip, content)
    checked(load_zip, b"PK\x03\x04" + content)


def test_many_beginnings_of_members_take_no_longer_than_others():
    begun = time.process_time()
    checked(load_zip, (b"PK\x03\x04" + bytes(4) + b"\x08" + bytes(30)) * 3_000)
    assert time.process_time() - begun < 5


# Languages


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("When was the group banned?", "en"),
        ("THE CONTRACT ENDS ON 4 MAY 2026, AND THAT IS THAT.", "en"),
        ("Der Vertrag endet am 4. Mai 2026.", "de"),
        ("Quand le groupe a-t-il été interdit ?", "fr"),
        ("В мае 2012 года Верховный суд запретил группировку.", "ru"),
        ("東京は日本の首都です。人口は約千四百万人です。", "ja"),
        ("", ""),
        ("OK", ""),
        ("12 34 56 78 90", ""),
        ("def f(x): return x", ""),
        ("Item: Travel; Cost: 120 EUR", ""),
    ],
)
def test_language(text, language):
    assert language_of(text) == language


def test_a_long_text_is_judged_by_its_middle():
    begun = time.process_time()
    assert language_of("Der Vertrag endet am vierten Mai. " * 500_000) == "de"
    assert time.process_time() - begun < 2


def taken(*members: tuple[str, bytes], mode: str = "w:", links: tuple[str, ...] = ()) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as archive:
        for name, content in members:
            header = tarfile.TarInfo(name)
            header.size = len(content)
            archive.addfile(header, io.BytesIO(content))
        for name in links:
            header = tarfile.TarInfo(name)
            header.type, header.linkname = tarfile.SYMTYPE, "/etc/passwd"
            archive.addfile(header)
    return file.getvalue()


@pytest.mark.parametrize(
    ("mode", "name"), [("w:gz", "a.tar.gz"), ("w:gz", "a.tgz"), ("w:bz2", "a.tar.bz2"), ("w:xz", "a.txz")]
)
def test_members_of_a_compressed_tar_are_parts(mode, name):
    content = load_compressed(taken(("a/b.txt", b"words"), ("../Größe.csv", b"1,2"), mode=mode), name)
    check(content)
    assert [(part.name, part.content) for part in content.parts] == [("a/b.txt", b"words"), ("Größe.csv", b"1,2")]
    assert content.notes == ()


def test_an_archive_of_gnu_tar(tmp_path):
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "deep" / "a.txt").write_text("words")
    (tmp_path / "in" / "link").symlink_to("deep/a.txt")
    subprocess.run(["tar", "-czf", "a.tgz", "in"], cwd=tmp_path, check=True)
    content = load_compressed((tmp_path / "a.tgz").read_bytes(), "a.tgz")
    assert [(part.name, part.content) for part in content.parts] == [("in/deep/a.txt", b"words")]
    assert content.notes == ("in/link is a link to somewhere else",)


def test_a_compressed_file_that_is_no_archive_is_a_part_under_its_name_without_the_suffix():
    for pack, suffix in ((gzip.compress, ".gz"), (bz2.compress, ".bz2"), (lzma.compress, ".xz")):
        content = load_compressed(pack(b"words"), f"notes.txt{suffix}")
        assert [(part.name, part.content) for part in content.parts] == [("notes.txt", b"words")]


def test_a_tar_whose_end_is_missing_is_read_as_far_as_it_goes():
    whole = taken(("a.txt", b"a" * 2000), ("b.txt", b"b" * 2000), links=("c",))
    content = load_tar(whole[:4000])
    assert [part.name for part in content.parts] == ["a.txt"]
    assert content.notes
    torn = load_compressed(gzip.compress(random.Random(1).randbytes(100_000))[:50_000], "a.bin.gz")
    assert "the archive's end is missing" in torn.notes[0]
    assert load_tar(whole).notes == ("c is a link to somewhere else",)


def test_a_bomb_of_gzip_is_not_unpacked():
    begun = time.process_time()
    with pytest.raises(UnreadableFileError, match="unpacks to more than"):
        load_compressed(gzip.compress(bytes(100_000_000)), "a.gz")
    assert time.process_time() - begun < 5


@pytest.mark.parametrize("load", [load_tar, lambda content: load_compressed(content, "a.gz"), load_7z])
def test_what_is_none_of_these_archives_is_refused(load):
    for content in (b"", b"words", b"\x1f\x8b\x08", b"7z\xbc\xaf\x27\x1c" + bytes(50), b"\xfd7zXZ\x00", bytes(2000)):
        assert checked(load, content) is None


def seven(members: dict[str, bytes], **given) -> bytes:
    file = io.BytesIO()
    with py7zr.SevenZipFile(file, "w", **given) as archive:
        for name, content in members.items():
            archive.writestr(content, name)
    return file.getvalue()


def test_members_of_a_7z_archive_are_parts():
    content = load_7z(seven({"a/b.txt": b"words", "Größe.csv": b"1,2", "empty": b""}))
    check(content)
    assert {part.name: part.content for part in content.parts} == {
        "a/b.txt": b"words", "Größe.csv": b"1,2", "empty": b"",
    }  # fmt: skip
    assert content.notes == ()


def test_a_7z_archive_opens_with_its_password():
    archive = seven({"a.txt": b"words"}, password="secret")
    with pytest.raises(UnreadableFileError, match="it needs a password"):
        load_7z(archive)
    with pytest.raises(UnreadableFileError, match="none of 1 passwords fits"):
        load_7z(archive, ["wrong"])
    assert [part.content for part in load_7z(archive, ["wrong", "secret"]).parts] == [b"words"]
    headers = seven({"a.txt": b"words"}, password="secret", header_encryption=True)
    with pytest.raises(UnreadableFileError, match="it needs a password"):
        load_7z(headers)
    assert [part.content for part in load_7z(headers, ["secret"]).parts] == [b"words"]


def test_a_7z_archive_is_bounded(monkeypatch):
    monkeypatch.setattr("index.formats.archives.seven_zip.MAX_PARTS_BYTES", 250)
    content = load_7z(seven({str(n): bytes(100) for n in range(4)}))
    assert [part.name for part in content.parts] == ["0", "1"]
    assert content.notes == ("2 files are left out, each of which exceeds the size limit for the whole archive: 2, 3",)


def test_a_damaged_7z_archive_is_refused_or_its_damage_named():
    archive = bytearray(seven({"a.txt": random.Random(2).randbytes(5_000)}))
    archive[2_000] ^= 0xFF
    content = load_7z(bytes(archive))
    assert (content.parts, content.notes) == ((), ("a.txt is damaged",))
    assert checked(load_7z, bytes(archive)[:3_000]) is None


def test_without_py7zr_people_are_told_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "py7zr", None)
    with pytest.raises(UnreadableFileError, match=r"pip install 'verbatim-qa\[7z\]'"):
        load_7z(b"7z")

"""Settings are validated at the door, and the message says which, what and what else; so are models."""

import hashlib
import os
import traceback
from pathlib import Path

import pytest

from index import pretrained
from index.errors import ModelError, ParameterError
from index.pretrained import hash_weights, load_tokenizer, model_folder, pick_device
from index.retrieval.embedding import SentenceTransformerEmbedder, packaged_model
from index.settings import read_settings
from qa.reader.calibrations import load_calibration
from qa.reader.extractive import ACCURATE_READER, FAST_READER, Reader


def test_arguments_then_environment_then_defaults(monkeypatch):
    monkeypatch.setenv("VERBATIM_TOP_K", "7")
    monkeypatch.setenv("VERBATIM_INDEX_DIR", "/somewhere")
    settings = read_settings(top_k=3, threshold=None)
    assert (settings.top_k, settings.index_dir, settings.threshold) == (3, Path("/somewhere"), None)
    assert read_settings(threshold=0.0).threshold == 0.0


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"top_k": 0}, r"top_k=0: .*greater than or equal to 1"),
        ({"top_k": -1}, r"top_k=-1"),
        ({"top_k": 1001}, r"top_k=1001: .*less than or equal to 1000"),
        ({"threshold": 1.5}, r"threshold=1\.5"),
        ({"device": "abacus"}, r"device='abacus'"),
        ({"reader": ""}, r"reader=''"),
        ({"topk": 3}, r"unknown setting 'topk'; did you mean top_k\? Settings are: embedder, .*top_k"),
        ({"zzz": 3}, r"unknown setting 'zzz'; settings are: embedder, "),
        ({"index_dir": ""}, r"index_dir='' is empty; name a folder, or omit it"),
        ({"index_dir": "a\0b"}, r"index_dir='a\\x00b' contains a NUL character"),
        ({"index_dir": Path("~nosuchuser/x")}, r"index_dir='~nosuchuser/x' names the home folder of a user"),
        ({"reader": "~nosuchuser/x"}, r"reader='~nosuchuser/x' names the home folder of a user"),
        ({"embedder": " "}, r"embedder=' ' is empty"),
    ],
)
def test_what_cannot_be_used(given, said):
    with pytest.raises(ParameterError, match=said):
        read_settings(**given)


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("VERBATIM_TOPK", "7", r"VERBATIM_TOPK is not a setting; did you mean VERBATIM_TOP_K\? Settings are: "),
        ("verbatim_treshold", "7", r"verbatim_treshold is not a setting; did you mean VERBATIM_THRESHOLD\?"),
        ("VERBATIM_XYZ", "7", r"VERBATIM_XYZ is not a setting; settings are: VERBATIM_EMBEDDER, "),
        ("VERBATIM_INDEX_DIR", "", r"VERBATIM_INDEX_DIR='' is empty; name a folder, or omit it"),
        ("VERBATIM_TOP_K", "many", r"VERBATIM_TOP_K='many': input should be a valid integer"),
    ],
)
def test_a_variable_that_cannot_be_used(monkeypatch, variable, value, said):
    monkeypatch.setenv(variable, value)
    with pytest.raises(ParameterError, match=said):
        read_settings()


def test_a_leading_tilde_is_the_home_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("VERBATIM_INDEX_DIR", "~/indexes")
    settings = read_settings(reader="~/reader", embedder="sentence-transformers/all-MiniLM-L6-v2")
    assert settings.index_dir == tmp_path / "indexes"
    assert settings.reader == str(tmp_path / "reader")
    assert settings.embedder == "sentence-transformers/all-MiniLM-L6-v2"
    assert read_settings(index_dir=Path("~")).index_dir == tmp_path


@pytest.mark.parametrize(
    ("value", "passwords"),
    [
        ('["s3cret", "two"]', ["s3cret", "two"]),
        ("s3cret, two", ["s3cret, two"]),
        ("[s3cret", ["[s3cret"]),
        ("", []),
        ("[]", []),
        ('["", "s3cret"]', ["s3cret"]),
    ],
)
def test_passwords(monkeypatch, value, passwords):
    monkeypatch.setenv("VERBATIM_PASSWORDS", value)
    settings = read_settings()
    assert [password.get_secret_value() for password in settings.passwords] == passwords
    assert "s3cret" not in repr(settings)
    assert read_settings(passwords=["three"]).passwords[0].get_secret_value() == "three"


@pytest.mark.parametrize("value", [["s3cret", 5], {"s3cret": 1}, 5])
def test_passwords_are_in_no_message(value):
    with pytest.raises(ParameterError) as caught:
        read_settings(passwords=value)
    assert "passwords" in str(caught.value)
    assert "s3cret" not in "".join(traceback.format_exception(caught.value, chain=True))


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_an_accelerator_that_is_not_there(monkeypatch, device):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    said = f"device='{device}' is not available on this machine .*; use device='auto' or 'cpu'"
    with pytest.raises(ParameterError, match=said):
        pick_device(device)
    with pytest.raises(ParameterError, match=said):
        Reader(read_settings(device=device)).read("who?", ["The court."])
    with pytest.raises(ParameterError, match=said):
        SentenceTransformerEmbedder(read_settings(device=device)).embed(["The court."])
    assert (pick_device("auto"), pick_device("cpu")) == ("cpu", "cpu")


def test_an_accelerator_that_is_there_is_taken(monkeypatch):
    import torch

    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert (pick_device("auto"), pick_device("mps")) == ("mps", "mps")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert (pick_device("auto"), pick_device("cuda")) == ("cuda", "cuda")


def test_the_embedders_weights_are_the_published_ones():
    published = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
    assert hash_weights(packaged_model()) == published


@pytest.mark.parametrize("folder", [FAST_READER, ACCURATE_READER])
def test_the_readers_weights_are_those_of_the_model_card(folder):
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert hash_weights(folder) in card
    assert all(file.stat().st_size < 50_000_000 for file in folder.iterdir())


@pytest.fixture
def weights(tmp_path, monkeypatch):
    """A file of weights, taken for an old one, and no hash known of it."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "data"))
    monkeypatch.setattr(pretrained, "_RACY_NS", -1)
    file = tmp_path / "model" / "model.safetensors"
    file.parent.mkdir()
    file.write_bytes(b"weights")
    return file


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def test_weights_are_hashed_once_and_again_when_they_change(weights, monkeypatch):
    assert hash_weights(weights.parent) == sha256(b"weights")
    with monkeypatch.context() as patch:
        patch.setattr(hashlib, "file_digest", lambda *_: pytest.fail("hashed again"))
        assert hash_weights(weights.parent) == sha256(b"weights")
    weights.write_bytes(b"other weights")
    assert hash_weights(weights.parent) == sha256(b"other weights")
    weights.unlink()
    other = weights.with_name("other.safetensors")
    other.write_bytes(b"other")
    assert hash_weights(weights.parent) == sha256(b"other")
    kept = next(weights.parents[1].rglob("weights.json")).read_text(encoding="utf-8")
    assert (str(weights) in kept, str(other) in kept) == (False, True)


@pytest.mark.skipif(os.name == "nt", reason="Windows does not tell when a file's status changed")
def test_weights_that_were_changed_and_dated_back_are_hashed_again(weights):
    hash_weights(weights.parent)
    was = weights.stat()
    weights.write_bytes(b"WEIGHTS")
    os.utime(weights, ns=(was.st_atime_ns, was.st_mtime_ns))
    assert hash_weights(weights.parent) == sha256(b"WEIGHTS")


@pytest.mark.parametrize("damaged", ["{", "[]", '{"PATH": 1}', '{"PATH": {"looks": [7], "sha256": "0"}}'])
def test_a_damaged_book_of_hashes_is_as_good_as_none(weights, damaged):
    hash_weights(weights.parent)
    book = next(weights.parents[1].rglob("weights.json"))
    book.write_text(damaged.replace("PATH", str(weights)), encoding="utf-8")
    assert hash_weights(weights.parent) == sha256(b"weights")
    book.unlink()
    book.mkdir()  # not to be written either
    assert hash_weights(weights.parent) == sha256(b"weights")


def test_weights_that_were_written_just_now_are_hashed_again(weights, monkeypatch):
    monkeypatch.setattr(pretrained, "_RACY_NS", 3600 * 10**9)
    hash_weights(weights.parent)
    assert not list(weights.parents[1].rglob("weights.json"))


def test_weights_that_cannot_be_read(tmp_path):
    (tmp_path / "model.safetensors").mkdir()
    with pytest.raises(ModelError, match=r"the weights in .* cannot be read: .*; check its permissions"):
        hash_weights(tmp_path)


def test_a_model_that_is_not_there(tmp_path):
    with pytest.raises(ModelError, match=r"reader='xxx.*' cannot be opened: .*; check the path"):
        model_folder("x" * 5000, "reader")
    with pytest.raises(ModelError, match="reader='no/such-model' is neither a folder"):
        Reader(read_settings(reader="no/such-model"))
    with pytest.raises(ModelError, match=r"no readable tokenizer\.json"):
        load_tokenizer(tmp_path)
    with pytest.raises(ModelError, match=r"no .safetensors file"):
        hash_weights(tmp_path)


def test_a_folder_that_holds_no_reader(tmp_path):
    (tmp_path / "tokenizer.json").write_bytes((FAST_READER / "tokenizer.json").read_bytes())
    with pytest.raises(ModelError, match=r"reader=.* cannot be loaded"):
        Reader(read_settings(reader=str(tmp_path))).read("who?", ["The court."])


def test_a_device_that_fails_while_the_reader_is_moved_to_it(monkeypatch):
    monkeypatch.setattr("qa.reader.extractive.pick_device", lambda _: "meta:nonsense")
    with pytest.raises(ModelError, match=r"reader='fast' cannot be loaded: Invalid device string"):
        Reader(read_settings()).read("who?", ["The court."])


def test_a_reader_brings_its_own_calibration(tmp_path):
    assert load_calibration(str(tmp_path)) == load_calibration(None)
    (tmp_path / "calibration.json").write_text('{"threshold": 1}')
    with pytest.raises(ModelError, match=r"calibration\.json cannot be used"):
        load_calibration(str(tmp_path))

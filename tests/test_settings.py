"""Settings are validated at the door, and the message says which, what and what else."""

from pathlib import Path

import pytest

from index.embedding import packaged_model
from index.errors import ModelError, ParameterError
from index.models import hash_weights, load_tokenizer
from index.settings import read_settings
from qa.deciding import load_calibration
from qa.reading import PACKAGED_READER, Reader


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
        ({"topk": 3}, r"no setting 'topk'; there are: .*top_k"),
    ],
)
def test_what_cannot_be_used(given, said):
    with pytest.raises(ParameterError, match=said):
        read_settings(**given)


def test_an_unknown_variable_is_refused(monkeypatch):
    monkeypatch.setenv("VERBATIM_TOPK", "7")
    with pytest.raises(ParameterError, match=r"VERBATIM_TOPK is no setting.*VERBATIM_TOP_K"):
        read_settings()


def test_the_embedders_weights_are_the_published_ones():
    published = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
    assert hash_weights(packaged_model()) == published


def test_the_readers_weights_are_those_of_the_model_card():
    card = (PACKAGED_READER / "README.md").read_text(encoding="utf-8")
    assert hash_weights(PACKAGED_READER) in card


def test_a_model_that_is_not_there(tmp_path):
    with pytest.raises(ModelError, match="reader='no/such-model' is neither a folder"):
        Reader(read_settings(reader="no/such-model"))
    with pytest.raises(ModelError, match=r"no readable tokenizer\.json"):
        load_tokenizer(tmp_path)
    with pytest.raises(ModelError, match=r"no .safetensors file"):
        hash_weights(tmp_path)


def test_a_folder_that_holds_no_reader(tmp_path):
    (tmp_path / "tokenizer.json").write_bytes((PACKAGED_READER / "tokenizer.json").read_bytes())
    with pytest.raises(ModelError, match=r"reader=.* cannot be loaded"):
        Reader(read_settings(reader=str(tmp_path))).read("who?", ["The court."])


def test_a_reader_brings_its_own_calibration(tmp_path):
    assert load_calibration(str(tmp_path)) == load_calibration(None)
    (tmp_path / "calibration.json").write_text('{"threshold": 1}')
    with pytest.raises(ModelError, match=r"calibration\.json cannot be used"):
        load_calibration(str(tmp_path))

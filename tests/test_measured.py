"""The figures that the settings page shows: of the weights that ship, or none."""

import pytest

from qa.evaluation.measured import ReaderFigures, dump_figures, load_figures
from qa.reader.cascade import packaged_fingerprint
from qa.reader.extractive import ACCURATE, CASCADE, FAST
from qa.web.api import reader_choices


def test_the_figures_are_of_the_weights_that_ship():
    measured = load_figures()
    assert {name: found.reader_sha256 for name, found in measured.items()} == {
        name: packaged_fingerprint(name) for name in (FAST, ACCURATE, CASCADE)
    }, "the weights changed: measure them with benchmarks/readers.py"


def test_figures_survive_being_written(tmp_path):
    file = tmp_path / "measured.json"
    figures = {"fast": ReaderFigures(reader_sha256="ab", f1=75.5, seconds=0.23, measured="by hand")}
    file.write_text(dump_figures(figures))
    assert load_figures(file) == figures


@pytest.mark.parametrize(("fingerprint", "f1"), [("ab", 75.5), ("other weights", None)])
def test_figures_of_other_weights_are_not_shown(monkeypatch, fingerprint, f1):
    found = ReaderFigures(reader_sha256="ab", f1=75.5, seconds=0.23, measured="by hand")
    monkeypatch.setattr(reader_choices, "load_figures", lambda: {"fast": found})
    assert reader_choices._figures("fast", fingerprint).f1 == f1
    assert reader_choices._figures("mine", "ab").f1 is None

"""The deliberate bugs of `mutations.py` still fit the kernels: the weekly run can apply them."""

import importlib.util
import sys
from pathlib import Path

import pytest

SPEC = importlib.util.spec_from_file_location(
    "kernel_mutations", Path(__file__).with_name("mutations.py")
)
study = importlib.util.module_from_spec(SPEC)
sys.modules[SPEC.name] = study  # dataclasses look their module up
SPEC.loader.exec_module(study)


@pytest.mark.parametrize("mutation", study.MUTATIONS, ids=lambda mutation: mutation.name)
def test_each_text_is_found_once(mutation):
    for file, text, _ in mutation.edits:
        assert (study.ROOT / file).read_text(encoding="utf-8").count(text) == 1, file

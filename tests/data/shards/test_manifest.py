"""Manifests: round trip and damage."""

import json
import os

import pytest

import data
from data.shards import manifest

GOOD = manifest.Manifest(
    dataset_hash="ab" * 32,
    shards=(manifest.ShardEntry("a.tfrecord", 2, 11, "cd" * 32),),
    extra={"environment": "toy", "seed": 3},
)


def test_round_trip_leaves_one_file(tmp_path):
    manifest.write_manifest(tmp_path, GOOD)
    assert manifest.read_manifest(tmp_path) == GOOD
    assert os.listdir(tmp_path) == ["manifest.json"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda c: c.update(format_version=99),
            "manifest.json: format version 99 is unknown, this release reads version 1",
        ),
        (lambda c: c.pop("format_version"), "format version None"),
        (lambda c: c.pop("shards"), "manifest.json: an entry is missing or unknown"),
        (lambda c: c["shards"][0].pop("sha256"), "an entry is missing or unknown"),
        (lambda c: c.update(shards=3), "an entry is missing or unknown"),
    ],
)
def test_reports_damage(tmp_path, change, message):
    manifest.write_manifest(tmp_path, GOOD)
    path = tmp_path / "manifest.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    with pytest.raises(data.DataError, match=message):
        manifest.read_manifest(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", "\x00"])
def test_reports_a_damaged_manifest(tmp_path, text):
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(data.DataError, match="manifest.json: (not readable JSON|format version)"):
        manifest.read_manifest(tmp_path)


def test_reports_a_missing_manifest(tmp_path):
    with pytest.raises(data.DataError, match=r"manifest.json: cannot be read \(No such file"):
        manifest.read_manifest(tmp_path)


def test_reports_an_unwritable_folder(tmp_path):
    with pytest.raises(data.DataError, match=r"cannot write .*manifest.json \(No such file"):
        manifest.write_manifest(tmp_path / "missing", GOOD)

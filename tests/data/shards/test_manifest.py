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
        (lambda c: c.update(format_version=True), "format version True"),
        (lambda c: c.pop("shards"), "manifest.json: 'shards' is missing; write the dataset again"),
        (lambda c: c["shards"][0].pop("sha256"), "'sha256' is missing"),
        (lambda c: c.update(shards=3), "shards is 3, not of type list"),
        (lambda c: c.update(shards=[3]), "an entry of shards is no object"),
        (lambda c: c.update(extra=[]), r"extra is \[\], not of type dict"),
        (lambda c: c.update(dataset_hash="AB" * 32), "dataset_hash is 'ABAB.*, not a SHA-256"),
        (lambda c: c["shards"][0].update(name="../a"), "the shard '../a' is no file name"),
        (lambda c: c["shards"][0].update(frames=11.0), "frames is 11.0, not of type int"),
        (lambda c: c["shards"][0].update(episodes=-1), "has -1 episodes of 11 frames"),
        (lambda c: c["shards"].append(c["shards"][0]), "shards names a file twice"),
        (lambda c: c.update(num_frames=12), "num_frames is not the sum over the shards"),
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


@pytest.mark.parametrize("text", ["", "{", "[]", "\x00", "[" * 100_000])
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

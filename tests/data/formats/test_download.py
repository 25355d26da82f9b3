"""Downloads from a local server that resumes, disconnects, changes its file, or is missing."""

import contextlib
import hashlib
import http.server
import os
import re
import socket
import threading

import numpy as np
import pytest

import data
from data.formats import d4rl_urls, file_download
from tests.system import helpers

CONTENT = np.random.default_rng(0).bytes(600_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    """Sends `server.content`, with the faults that the attributes of the server configure."""

    def do_GET(self):
        server = self.server
        if self.path != "/sets/toy.hdf5":
            self.send_error(404)
            return
        if server.answer:
            headers = {"Content-Length": "0", **server.answer}
            self.send_response(headers.pop("status", 200))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            return
        asked = self.headers["Range"] if server.ranges else None
        fits = self.headers["If-Range"] in (None, server.version)
        begin = int(re.fullmatch(r"bytes=(\d+)-", asked)[1]) if asked and fits else 0
        server.begins.append(begin)
        self.send_response(206 if begin else 200)
        self.send_header("Content-Length", str(len(server.content) - begin))
        if server.version:
            self.send_header("ETag", server.version)
        if begin:
            whole = server.announced or len(server.content)
            self.send_header("Content-Range", f"bytes {begin}-{whole - 1}/{whole}")
        self.end_headers()
        with contextlib.suppress(BrokenPipeError):
            self.wfile.write(server.content[begin : server.cut_at])

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.content, server.version, server.ranges = CONTENT, '"one"', True
        server.cut_at, server.begins = None, []
        server.answer, server.announced = {}, None  # headers, and the length in a range
        server.url = f"http://127.0.0.1:{server.server_port}/sets/toy.hdf5"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def names(folder):
    return sorted(os.listdir(folder))


def test_a_download_is_complete_and_not_repeated(server, tmp_path):
    path = tmp_path / "new" / "toy.hdf5"
    found = file_download.download_file(server.url, path, SHA256)
    assert found == file_download.DownloadedFile(server.url, len(CONTENT), SHA256)
    assert path.read_bytes() == CONTENT
    assert names(path.parent) == ["toy.hdf5", "toy.hdf5.json"]
    assert file_download.download_file(server.url, path) == found
    assert len(server.begins) == 1


@pytest.mark.parametrize("cut_at", [0, 1, 300_000, 599_999])
def test_resumes_after_an_interrupted_connection(server, tmp_path, cut_at):
    path = tmp_path / "toy.hdf5"
    server.cut_at = cut_at
    message = f"was interrupted after {cut_at} of 600000 bytes. Run the same"
    with pytest.raises(data.DataError, match=message):
        file_download.download_file(server.url, path)
    assert not path.exists()
    server.cut_at = None
    assert file_download.download_file(server.url, path).sha256 == SHA256
    assert path.read_bytes() == CONTENT and server.begins == [0, cut_at]
    assert names(tmp_path) == ["toy.hdf5", "toy.hdf5.json"]


@pytest.mark.parametrize(
    ("version", "later_version", "later_ranges"),
    [('"one"', '"two"', True), (None, None, True), ('"one"', '"one"', False)],
    ids=["another file", "no version", "no ranges"],
)
def test_starts_again_if_it_cannot_resume(server, tmp_path, version, later_version, later_ranges):
    server.version, server.cut_at = version, 1000
    with pytest.raises(data.DataError, match="was interrupted after 1000"):
        file_download.download_file(server.url, tmp_path / "toy.hdf5")
    server.content, server.cut_at = CONTENT[::-1], None
    server.version, server.ranges = later_version, later_ranges
    file_download.download_file(server.url, tmp_path / "toy.hdf5")
    assert (tmp_path / "toy.hdf5").read_bytes() == CONTENT[::-1] and server.begins == [0, 0]


def test_a_complete_partial_file_is_only_verified(server, tmp_path, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(file_download.manifest, "file_sha256", killed)
        file_download.download_file(server.url, tmp_path / "toy.hdf5")
    assert not (tmp_path / "toy.hdf5").exists()
    assert file_download.download_file(server.url, tmp_path / "toy.hdf5").sha256 == SHA256
    assert server.begins == [0]


def test_a_file_with_a_wrong_hash_is_removed(server, tmp_path):
    with pytest.raises(data.DataError, match=f"has SHA-256 {SHA256}, expected 0000.* removed"):
        file_download.download_file(server.url, tmp_path / "toy.hdf5", "0" * 64)
    assert not [name for name in names(tmp_path) if not name.endswith(".json")]
    assert file_download.download_file(server.url, tmp_path / "toy.hdf5").sha256 == SHA256


@pytest.mark.parametrize("wanted", [None, SHA256])
def test_a_changed_file_is_an_error(server, tmp_path, wanted):
    path = tmp_path / "toy.hdf5"
    file_download.download_file(server.url, path)
    path.write_bytes(CONTENT[:-1])
    with pytest.raises(data.DataError, match=f"toy.hdf5: the existing file .* expected {SHA256}"):
        file_download.download_file(server.url, path, wanted)


def test_only_one_process_downloads_a_file(server, tmp_path):
    with open(tmp_path / ".toy.hdf5.partial", "ab") as file:
        file_download._lock(file, tmp_path / "toy.hdf5")
        with pytest.raises(data.DataError, match="another process is downloading it"):
            file_download.download_file(server.url, tmp_path / "toy.hdf5")


def test_a_missing_file_on_the_server_is_an_error(server, tmp_path):
    with pytest.raises(data.DataError, match="the server answers 404 Not Found"):
        file_download.download_file(server.url.replace("toy", "absent"), tmp_path / "toy.hdf5")
    assert names(tmp_path) == []


def test_reports_a_missing_network(tmp_path, monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{free.getsockname()[1]}/toy.hdf5"
    for url, reason in ((closed, "refused"), ("http://nowhere.invalid/toy.hdf5", "nowhere")):
        message = f"there is no network, or .*{reason}.*Download the file on a machine"
        with pytest.raises(data.DataError, match=message):
            file_download.download_file(url, tmp_path / "toy.hdf5")
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ({"Content-Length": "many"}, "announces the length 'many'"),
        ({"Content-Length": "-1"}, "announces the length '-1'"),
        ({"Content-Encoding": "gzip"}, "sends the file in the encoding 'gzip', which was not"),
        ({"status": 206, "Content-Range": "bytes 0-9/10"}, "range 'bytes 0-9/10'; the whole file"),
        ({"status": 204}, "answers 204 instead of the file"),
        ({"status": 302, "Location": "file:///etc/hostname"}, "answers 302"),
        ({"status": 302, "Location": "http://[half"}, "there is no network, or 127.0.0.1 does not"),
    ],
)
def test_answers_that_are_not_the_file_are_errors(server, tmp_path, answer, problem):
    server.answer = answer
    with pytest.raises(data.DataError, match=re.escape(problem)):
        file_download.download_file(server.url, tmp_path / "toy.hdf5")
    assert not (tmp_path / "toy.hdf5").exists()


def test_a_file_longer_than_announced_is_removed(server, tmp_path):
    server.cut_at = 1000
    with pytest.raises(data.DataError, match="was interrupted after 1000"):
        file_download.download_file(server.url, tmp_path / "toy.hdf5")
    server.cut_at = None
    server.content, server.announced = CONTENT[:2000], 1500
    with pytest.raises(data.DataError, match="announces 1500 bytes and sends 2000. The file was"):
        file_download.download_file(server.url, tmp_path / "toy.hdf5")
    server.announced = None
    file_download.download_file(server.url, tmp_path / "toy.hdf5")
    assert (tmp_path / "toy.hdf5").read_bytes() == CONTENT[:2000]


@pytest.mark.parametrize(
    "state", ["", "[]", "[" * 10_000, '{"url": 1}', '{"url": "URL", "version": 3, "length": []}']
)
def test_a_damaged_record_of_an_interruption_is_ignored(server, tmp_path, state):
    (tmp_path / ".toy.hdf5.partial").write_bytes(b"something else")
    path = tmp_path / ".toy.hdf5.partial.json"
    path.write_text(state.replace("URL", server.url))
    assert file_download.download_file(server.url, tmp_path / "toy.hdf5").sha256 == SHA256
    assert server.begins == [0]


@pytest.mark.parametrize("record", ["", "[]", "{}", '{"sha256": 3}'])
def test_a_damaged_record_of_a_download_is_an_error(server, tmp_path, record):
    file_download.download_file(server.url, tmp_path / "toy.hdf5")
    (tmp_path / "toy.hdf5.json").write_text(record)
    with pytest.raises(data.DataError, match="toy.hdf5.json: the record of the download is dam"):
        file_download.download_file(server.url, tmp_path / "toy.hdf5")


def test_a_pipe_is_not_a_download(server, tmp_path):
    for name in ("toy.hdf5", ".other.hdf5.partial"):
        os.mkfifo(tmp_path / name)
    for name in ("toy.hdf5", "other.hdf5"):
        with pytest.raises(data.DataError, match=f"cannot write {tmp_path}"):
            file_download.download_file(server.url, tmp_path / name)


# The command, and the URLs


@pytest.fixture
def d4rl(monkeypatch, tmp_path, server):
    """A package d4rl that lists the server's file and, like the real one, cannot be imported."""
    package = tmp_path / "packages" / "d4rl"
    (package / "kitchen").mkdir(parents=True)
    (package / "__init__.py").write_text("raise ImportError('no MuJoCo')")
    (package / "infos.py").write_text(f"DATASET_URLS = {{\n 'toy-human-v0' : '{server.url}',\n}}")
    (package / "kitchen" / "__init__.py").write_text(
        "register(id='kitchen-toy-v0', kwargs={'ref_min_score': 0.0, 'dataset_url':"
        f" '{server.url}'}})\n"
        "for name in ():\n    register(id=name, kwargs={'dataset_url': name})"
    )
    monkeypatch.syspath_prepend(package.parent)


@pytest.mark.parametrize("task", ["toy-human-v0", "kitchen-toy-v0"])
def test_download_command(d4rl, tmp_path, task):
    arguments = (f"--task={task}", f"--out={tmp_path / 'new'}", f"--sha256={SHA256.upper()}")
    done = helpers.call("data.download", *arguments)
    assert done.returncode == 0, done
    path = tmp_path / "new" / "toy.hdf5"
    assert done.stdout == f"{path}: 600000 bytes, SHA-256 {SHA256}\n"
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--task=toy-humans-v0"], "d4rl has no dataset 'toy-humans-v0'; did you mean toy-human"),
        (["--task=toy-human-v0", "--sha256=12"], "--sha256 is '12'; it has 64 hexadecimal digits"),
    ],
)
def test_reports_mistyped_flags(d4rl, tmp_path, arguments, problem):
    done = helpers.call("data.download", *arguments, f"--out={tmp_path / 'new'}")
    assert problem in helpers.error_message(done)


def test_the_installed_package_lists_the_tasks_of_the_paper():
    tasks = [f"{task}-human-v0" for task in ("pen", "hammer", "door", "relocate")]
    tasks += [f"kitchen-{kind}-v0" for kind in ("complete", "partial", "mixed")]
    urls = [d4rl_urls.dataset_url(task) for task in tasks]
    assert len(set(urls)) == 7
    assert all(re.fullmatch(r"http://\S+/offline_rl/\S+-v0\S*\.hdf5", url) for url in urls)


def test_reports_a_missing_d4rl_package(monkeypatch):
    monkeypatch.setattr(d4rl_urls.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(data.DataError, match="d4rl is not installed; install it with: pip install"):
        d4rl_urls.dataset_url("pen-human-v0")

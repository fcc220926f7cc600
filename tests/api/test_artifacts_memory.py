"""The server's memory stays flat, however large the file."""

import threading
from pathlib import Path
from typing import Self

import pytest

from tests.support.server import Server

MEBIBYTE = 1024 * 1024
SIZE = 200 * MEBIBYTE
MOST = 40


class Sampler:
    """The most memory that a process had while this ran, in MiB."""

    def __init__(self, pid: int) -> None:
        self._status = Path(f"/proc/{pid}/status")
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._sample)
        self.before = self.most = self.now()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    def now(self) -> float:
        line = next(
            line
            for line in self._status.read_text(encoding="utf-8").splitlines()
            if line.startswith("VmRSS")
        )
        return int(line.split()[1]) / 1024

    def _sample(self) -> None:
        while not self._stopped.wait(0.01):
            self.most = max(self.most, self.now())


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="VmRSS is Linux's")
def test_200_mebibytes_go_up_and_down_in_flat_memory(tmp_path: Path) -> None:
    server = Server(tmp_path / "data")
    client = server.make_org()
    assert client.download(client.upload(b"warm")).content == b"warm"
    big = tmp_path / "big"
    with big.open("wb") as file:
        file.truncate(SIZE)
    prepared = client.prepare("big.bin")
    fields = {field["key"]: field["value"] for field in prepared["form_data"]}
    with Sampler(server.process.pid) as upload, big.open("rb") as file:
        answer = server.http.post(prepared["url"], data=fields, files={"file": file}, timeout=120)
        assert answer.status_code == 204, answer.text
    url = client.ok("artifacts.locate", {"id": prepared["id"]})["url"]
    with (
        Sampler(server.process.pid) as download,
        server.http.stream("GET", url, timeout=120) as got,
    ):
        assert sum(len(chunk) for chunk in got.iter_raw()) == SIZE
    told = f"MiB: {upload.before:.0f} before, {upload.most:.0f} at the upload, {download.most:.0f} at the download, {download.now():.0f} after"
    assert upload.most - upload.before < MOST, told
    assert download.most - upload.before < MOST, told
    assert server.stop() == 0

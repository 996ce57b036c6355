"""A relay on loopback that answers every POST with a task, immediately or after a delay: nginx, or a small server.

It is a process of its own, so that it takes nothing of the measured one's time.
"""

import asyncio
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import trustme

_TASK = json.dumps({"id": "task-1", "task_id": "task-1", "object": "video", "status": "queued", "progress": 0})
_HEAD = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(_TASK)}\r\n\r\n"
_TLS = " ssl; ssl_certificate {folder}/relay.pem; ssl_certificate_key {folder}/relay.pem"
_NGINX = """
daemon off; master_process off; worker_processes 1; pid {folder}/pid; error_log {folder}/error crit;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 1000000000; default_type application/json;
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  server {{ listen 127.0.0.1:{port} backlog=4096{tls}; location / {{ return 200 '{task}'; }} }}
}}
"""


@dataclass
class Relay:
    """A running relay."""

    url: str
    process: psutil.Process
    environment: dict[str, str]
    """The certificate to trust, if it speaks TLS."""

    def busy_seconds(self) -> float:
        """The CPU time that it has used."""
        times = self.process.cpu_times()
        return times.user + times.system


@contextmanager
def relay(delay: float = 0.0, *, bodies: bool = False, tls: bool = False) -> Iterator[Relay]:
    """Start nginx if installed; it can't delay responses, and does not read large `bodies` completely."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with TemporaryDirectory() as folder:
        environment = _certify(Path(folder)) if tls else {}
        nginx = shutil.which("nginx", path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin")
        if nginx and not delay and not bodies:
            configuration = Path(folder, "nginx.conf")
            listen = _TLS.format(folder=folder) if tls else ""
            configuration.write_text(_NGINX.format(folder=folder, port=port, task=_TASK, tls=listen))
            command = [nginx, "-p", folder, "-c", str(configuration), "-e", f"{folder}/error"]
        else:
            command = [sys.executable, __file__, str(port), str(delay), *([f"{folder}/relay.pem"] if tls else [])]
        process = subprocess.Popen(command)
        try:
            _wait(port)
            url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
            yield Relay(url, psutil.Process(process.pid), environment)
        finally:
            process.terminate()
            process.wait()


def _certify(folder: Path) -> dict[str, str]:
    """Write a key and its certificate; return the certificate for clients to trust."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(folder / "relay.pem"))
    return dict.fromkeys(("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"), str(folder / "authority.pem"))


def _wait(port: int) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError("the relay of the benchmark doesn't listen")


class _Connection(asyncio.BufferedProtocol):
    """Read a body into a reused buffer, and drop it."""

    buffer = memoryview(bytearray(1 << 20))
    delay = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.head = b""
        self.missing = 0

    def get_buffer(self, sizehint: int) -> memoryview:
        return self.buffer

    def buffer_updated(self, nbytes: int) -> None:
        if self.missing:
            self.missing -= nbytes
        else:
            self.head += self.buffer[:nbytes]
            head, found, body = self.head.partition(b"\r\n\r\n")
            if not found:
                return
            length = head.lower().partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0]
            self.missing = int(length or 0) - len(body)
        if not self.missing:
            self.head = b""
            if self.delay:
                asyncio.get_running_loop().call_later(self.delay, self.answer)
            else:
                self.answer()

    def answer(self) -> None:
        if not self.transport.is_closing():
            self.transport.write((_HEAD + _TASK).encode())


async def _serve(port: int, delay: float, certificate: str | None) -> None:
    _Connection.delay = delay
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Connection, "127.0.0.1", port, backlog=4096, ssl=context)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), float(sys.argv[2]), next(iter(sys.argv[3:]), None)))

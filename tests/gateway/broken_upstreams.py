"""Upstreams that fail below HTTP: in the TLS handshake, and while a request is written to them."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@contextmanager
def self_signed() -> Iterator[int]:
    """A port whose TLS certificate nobody vouches for."""
    with TemporaryDirectory() as folder:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(_certificate(Path(folder)))

        def shake_hands(accepted: socket.socket) -> None:
            with suppress(OSError), context.wrap_socket(accepted, server_side=True) as secured:
                secured.recv(1)

        with _listening(shake_hands) as port:
            yield port


@contextmanager
def no_tls() -> Iterator[int]:
    """A port that answers whatever it is sent, a TLS hello too, with a line of text."""

    def answer(accepted: socket.socket) -> None:
        accepted.recv(1)
        accepted.sendall(b"220 this is not TLS\r\n")

    with _listening(answer) as port:
        yield port


@contextmanager
def resets_while_written_to() -> Iterator[int]:
    """A port that takes a few bytes of a request and then resets the connection."""

    def reset(accepted: socket.socket) -> None:
        accepted.recv(1024)
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with _listening(reset) as port:
        yield port


@contextmanager
def _listening(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """A port where each connection is given to ``serve`` and closed after it."""
    listener = socket.create_server(("127.0.0.1", 0))
    # A small window, so that a large request is still being written when the answer to it comes.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)

    def work() -> None:
        while True:
            try:
                accepted, _ = listener.accept()
            except OSError:
                return
            with accepted, suppress(OSError):
                serve(accepted)

    thread = threading.Thread(target=work, name="broken-upstream", daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        # Closing alone does not wake a thread that waits in accept().
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)


def _certificate(folder: Path) -> Path:
    """A key and a certificate for 127.0.0.1 that it signed itself, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path

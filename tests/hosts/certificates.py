# SPDX-License-Identifier: BSD-3-Clause
"""An authority that is made up for a test, and certificates it signs."""

import datetime
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Certified:
    """Files of an authority's certificate, and of a certificate and key it signed."""

    ca: Path
    cert: Path
    key: Path


def certified(folder: Path, name: str) -> Certified:
    """A new authority of that name, and one certificate that it signed."""
    authority, leaf = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca = _signed(f"{name} authority", authority, f"{name} authority", authority, is_ca=True)
    cert = _signed(name, leaf, f"{name} authority", authority, is_ca=False)
    files = Certified(*(folder / f"{name}-{part}.pem" for part in ("ca", "cert", "key")))
    files.ca.write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    files.cert.write_bytes(cert.public_bytes(serialization.Encoding.PEM))
    files.key.write_bytes(
        leaf.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return files


def _signed(subject, key, issuer, issuer_key, *, is_ca):
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(hours=2))
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            critical=False,
        )
    )
    return builder.sign(issuer_key, hashes.SHA256())

"""The instance's own certificates: an authority for people to install, and the server's certificate signed by it."""

import datetime
import ipaddress
import socket
import ssl
from collections.abc import Iterable
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ivr.people import write_private
from ivr.settings import Settings, SettingsError

AUTHORITY_DAYS, SERVER_DAYS = 3650, 825
RENEW_BEFORE_DAYS = 30


def make_certificates(folder: Path, addresses: Iterable[str]) -> None:
    """Make what is missing in `folder`: `ca.pem`, `server.pem` and their keys; renew what soon runs out.

    The server's certificate is for `addresses` and this machine's names; a changed address makes a new one.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    names = sorted({"localhost", socket.gethostname(), "127.0.0.1", *(a for a in addresses if not _is_any(a))})
    authority, authority_key = _authority(folder)
    standing = _read(folder / "server.pem")
    if standing is not None and _names(standing) == names and _lasts(standing) and _signed(standing, authority):
        return
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Huying hotline")])
    certificate = (
        _builder(name, authority.subject, key, SERVER_DAYS)
        .add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    _write_key(folder / "server.key", key)
    write_private(folder / "server.pem", _pem(certificate) + _pem(authority))


def server_context(settings: Settings) -> ssl.SSLContext:
    """What the desks' server shows. Raises `SettingsError` for a certificate or key that cannot be used."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(settings.certificate, settings.certificate_key)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(
            f"[security] certificate {settings.certificate}, key {settings.certificate_key}: {error.strerror or error}"
        ) from error
    return context


def _authority(folder: Path) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    standing = _read(folder / "ca.pem")
    if standing is not None and _lasts(standing):
        key = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), password=None)
        if isinstance(key, ec.EllipticCurvePrivateKey):
            return standing, key
    made = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Huying hotline authority")])
    certificate = (
        _builder(name, name, made, AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=False,
                content_commitment=False,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                key_cert_sign=True,
                crl_sign=True,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(made.public_key()), critical=False)
        .sign(made, hashes.SHA256())
    )
    _write_key(folder / "ca.key", made)
    write_private(folder / "ca.pem", _pem(certificate))
    return certificate, made


def _builder(name: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, days: int) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=days))
    )


def _read(path: Path) -> x509.Certificate | None:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise SettingsError(f"{path} is no certificate; remove it to have a new one made") from error


def _lasts(certificate: x509.Certificate) -> bool:
    left = certificate.not_valid_after_utc - datetime.datetime.now(datetime.UTC)
    return left > datetime.timedelta(days=RENEW_BEFORE_DAYS)


def _signed(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _names(certificate: x509.Certificate) -> list[str]:
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return sorted(str(name.value) for name in names)


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _is_any(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_unspecified
    except ValueError:
        return False


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    write_private(path, text.decode())

"""A certificate authority for one machine, so that browsers in the network can be made to trust this server.

The authority is valid for ten years, and people tell their devices once to trust it. It issues certificates of 90 days
for the names and addresses of this machine. Its name constraints (RFC 5280 section 4.2.1.10) forbid certificates for
public names. So a device that trusts the authority does not have to trust it with other web sites.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

from attrs import field, frozen
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from skysentry_trio.base.interfaces import InterfaceAddress

AUTHORITY_LIFETIME: Final = timedelta(days=3652)
LEAF_LIFETIME: Final = timedelta(days=90)
RENEW_BEFORE: Final = timedelta(days=30)
"""How long before its end a certificate is renewed."""
_TOLERANCE: Final = timedelta(days=1)
"""How much later than this one the clock of a device may be."""
_LOCAL_NAMES: Final = ("localhost", "local", "lan", "home", "internal", "home.arpa", "fritz.box")
"""Domains that never belong to a public web site, and those that routers give to their networks."""
_LOCAL_NETWORKS: Final = tuple(
    ip_network(text)
    for text in (
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "::1/128",
        "fc00::/7",
        "fe80::/10",
    )
)
"""Addresses of private networks: RFC 1918, RFC 6598 (which Tailscale uses), RFC 4193, and link-local ones."""

Address = IPv4Address | IPv6Address


@frozen
class Issued:
    """A certificate with its key, each in PEM form."""

    certificate: bytes
    """Followed by the certificate of its issuer, if that is another one."""
    key: bytes = field(repr=False)

    @property
    def parsed(self) -> x509.Certificate:
        """The certificate."""
        return x509.load_pem_x509_certificate(self.certificate)

    @property
    def is_pair(self) -> bool:
        """Whether the key belongs to the certificate.

        Raises:
            ValueError: the certificate or the key cannot be read.
        """
        try:
            key = serialization.load_pem_private_key(self.key, None)
        except (TypeError, UnsupportedAlgorithm) as error:
            raise ValueError(str(error)) from None
        return key.public_key() == self.parsed.public_key()


@frozen
class Names:
    """What a certificate is for."""

    hosts: tuple[str, ...]
    addresses: tuple[Address, ...]

    def __str__(self) -> str:
        """Return all of them, separated by commas."""
        return ", ".join([*self.hosts, *map(str, self.addresses)])


def names_of_machine(addresses: Sequence[InterfaceAddress], host: str = "") -> Names:
    """Return all names and addresses by which others reach this machine.

    Args:
        addresses: of the network interfaces.
        host: the name or address on which the server listens.
    """
    name = socket.gethostname().lower().rstrip(".")
    hosts = ["localhost"]
    if _is_host_name(name):
        hosts += [name] if "." in name else [name, f"{name}.local"]
    found: list[Address] = [IPv4Address("127.0.0.1"), IPv6Address("::1")]
    found += sorted((one.address for one in addresses), key=lambda one: (one.version, one))
    try:
        given = ip_address(host.partition("%")[0])
    except ValueError:
        if _is_host_name(host.lower()):
            hosts.append(host.lower())
    else:
        if not given.is_unspecified:
            found.append(given)
    return Names(tuple(dict.fromkeys(hosts)), tuple(dict.fromkeys(found)))


def _is_host_name(text: str) -> bool:
    labels = text.split(".")
    return len(text) < 254 and all(  # RFC 1035 section 3.1
        0 < len(label) < 64 and label.isascii() and label.replace("-", "").isalnum() for label in labels
    )


def create_authority(names: Names, now: datetime | None = None) -> Issued:
    """Make a new authority, for names in local networks and for those of this machine."""
    now = now or datetime.now(UTC)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "SkySentry"),
            # Devices show this name in the list of authorities that they trust. It has the day, to tell two apart.
            x509.NameAttribute(NameOID.COMMON_NAME, f"SkySentry of {_short(names)} {now:%Y-%m-%d}"),
        ]
    )
    public = [ip_network(one) for one in names.addresses if not _is_local(one)]
    hosts = [host for host in names.hosts if not _is_below(host, _LOCAL_NAMES)]
    permitted: list[x509.GeneralName] = [x509.DNSName(name) for name in (*_LOCAL_NAMES, *hosts)]
    permitted += [x509.IPAddress(network) for network in (*_LOCAL_NETWORKS, *public)]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _TOLERANCE)
        .not_valid_after(now + AUTHORITY_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.NameConstraints(permitted, None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return Issued(certificate.public_bytes(serialization.Encoding.PEM), _encode_key(key))


def issue(authority: Issued, names: Names, now: datetime | None = None) -> Issued:
    """Issue a certificate for a server.

    Args:
        authority: signs the certificate.
        names: what the certificate is for; names that the authority may not certify are left out.
        now: the time; None for the clock of this machine.
    """
    now = now or datetime.now(UTC)
    issuer = authority.parsed
    issuer_key = serialization.load_pem_private_key(authority.key, None)
    if not isinstance(issuer_key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"expected an authority with a key on an elliptic curve, got {type(issuer_key).__name__}")
    key = ec.generate_private_key(ec.SECP256R1())
    allowed = permitted_names(authority, names)
    alternatives = [
        *(x509.DNSName(host) for host in allowed.hosts),
        *(x509.IPAddress(address) for address in allowed.addresses),
    ]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, _short(allowed))]))
        .issuer_name(issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _TOLERANCE)
        .not_valid_after(min(now + LEAF_LIFETIME, issuer.not_valid_after_utc))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
        .sign(issuer_key, hashes.SHA256())
    )
    return Issued(certificate.public_bytes(serialization.Encoding.PEM) + authority.certificate, _encode_key(key))


def why_renew(issued: Issued, authority: Issued, names: Names, now: datetime | None = None) -> str | None:
    """Return why a certificate must be issued again; None if it is good."""
    now = now or datetime.now(UTC)
    certificate = issued.parsed
    try:
        certificate.verify_directly_issued_by(authority.parsed)
    except (ValueError, TypeError, InvalidSignature):
        return "another authority issued it"
    if now > certificate.not_valid_after_utc - RENEW_BEFORE:
        return f"it ends at {certificate.not_valid_after_utc:%Y-%m-%d}"
    if now < certificate.not_valid_before_utc:
        return f"it begins at {certificate.not_valid_before_utc:%Y-%m-%d}"
    covered, needed = names_in(certificate), permitted_names(authority, names)
    missing = Names(
        tuple(host for host in needed.hosts if host not in covered.hosts),
        tuple(address for address in needed.addresses if address not in covered.addresses),
    )
    return f"it is not for {missing}" if missing.hosts or missing.addresses else None


def names_in(certificate: x509.Certificate) -> Names:
    """Return what a certificate is for."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return Names((), ())
    addresses = found.get_values_for_type(x509.IPAddress)
    return Names(
        tuple(found.get_values_for_type(x509.DNSName)),
        tuple(one for one in addresses if isinstance(one, IPv4Address | IPv6Address)),
    )


def permitted_names(authority: Issued, names: Names) -> Names:
    """Return the names that the authority may certify."""
    try:
        constraints = authority.parsed.extensions.get_extension_for_class(x509.NameConstraints).value
    except x509.ExtensionNotFound:
        return names
    permitted = constraints.permitted_subtrees or []
    domains = tuple(one.value for one in permitted if isinstance(one, x509.DNSName))
    networks = [one.value for one in permitted if isinstance(one, x509.IPAddress)]
    return Names(
        tuple(host for host in names.hosts if _is_below(host, domains)),
        tuple(
            address
            for address in names.addresses
            if any(address.version == network.version and address in network for network in networks)  # type: ignore[operator]
        ),
    )


def fingerprint(certificate: x509.Certificate) -> str:
    """Return the SHA-256 fingerprint, as devices show it: ``AB:CD:...``."""
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()


def _is_below(host: str, domains: Sequence[str]) -> bool:
    return any(host == domain or host.endswith(f".{domain}") for domain in domains)


def _is_local(address: Address) -> bool:
    return any(address.version == network.version and address in network for network in _LOCAL_NETWORKS)


def _short(names: Names) -> str:
    """Return the name of the machine, in at most 40 of the 64 characters that a common name may have."""
    return next((host for host in names.hosts if host != "localhost"), "localhost")[:40]


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _encode_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )

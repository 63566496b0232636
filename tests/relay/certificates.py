"""A certificate authority for one test run: good, expired, wrongly named and
unknown certificates for the relays."""

import datetime
import os

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NOW = datetime.datetime.utcnow()
DAY = datetime.timedelta(days=1)


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def certificate(subject, key, issuer, issuer_key, begin, end, is_ca, host=None):
    builder = (x509.CertificateBuilder().subject_name(name(subject)).issuer_name(name(issuer))
               .public_key(key.public_key()).serial_number(x509.random_serial_number())
               .not_valid_before(begin).not_valid_after(end)
               .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True))
    if host:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


class Authority:
    def __init__(self, folder):
        self.folder, self.key = folder, ec.generate_private_key(ec.SECP256R1())
        self.own = certificate("test authority", self.key, "test authority", self.key, NOW - DAY, NOW + DAY, True)
        self.path = self.write("ca.pem", self.own.public_bytes(serialization.Encoding.PEM))

    def write(self, file, content):
        path = os.path.join(self.folder, file)
        with open(path, "wb") as out:
            out.write(content)
        return path

    def issue(self, file, host, begin=NOW - DAY, end=NOW + DAY, self_signed=False):
        """Paths of a certificate and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        signed = (certificate(host, key, host, key, begin, end, False, host) if self_signed else
                  certificate(host, key, "test authority", self.key, begin, end, False, host))
        private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                    serialization.NoEncryption())
        return (self.write(file + ".pem", signed.public_bytes(serialization.Encoding.PEM)),
                self.write(file + ".key", private))

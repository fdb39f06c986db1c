"""acme2certifier by HTTPS on a loopback port, as an authority for the tests. What is asked of it, and how it looks at names, is its own; only where
it looks is told: at a port of this machine, as a test has no port 443 and no names.

    acme_server.py serve FOLDER PORT LOOKS_AT   `FOLDER` holds acme_srv.cfg, and 127.0.0.1.pem and .key for itself
    acme_server.py old FOLDER NAME FILE         writes a certificate of the authority (ca.pem, ca.key) that is soon over, with its key
"""

import datetime
import os
import ssl
import sys
from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIServer, make_server


def serve(folder, port, looks_at):
    os.environ["ACME_SRV_CONFIGFILE"] = str(folder / "acme_srv.cfg")
    from acme2certifier.acme_srv import helper
    from acme2certifier.share import acme2certifier_wsgi as acme

    get = helper.servercert_get
    helper.fqdn_resolve = lambda *_, **__: ("127.0.0.1", False, None)
    helper.servercert_get = lambda logger, host, _port, *rest, **named: get(logger, host, looks_at, *rest, **named)

    class Server(ThreadingMixIn, WSGIServer):
        daemon_threads = True

    server = make_server("127.0.0.1", port, acme.application, Server, acme.get_handler_cls())
    server.base_environ["HTTPS"] = "on"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "127.0.0.1.pem", folder / "127.0.0.1.key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()


def old(folder, name, file):
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    authority = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
    signs = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), None)
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]))
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=80))
        .not_valid_after(now + datetime.timedelta(days=10))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), False)
        .sign(signs, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve", folder, port, looks_at]:
            serve(Path(folder), int(port), int(looks_at))
        case ["old", folder, name, file]:
            old(Path(folder), name, Path(file))
        case _:
            sys.exit(__doc__)

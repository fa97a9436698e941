"""The client, against a real server on the loopback that answers as Immich does, or does not."""

import datetime as dt
import ipaddress
import socket
import ssl
import threading

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from piuploader import errors
from piuploader.adapters.immich import ImmichClient, resolve, ssl_context
from piuploader.core.media import Holding, Kind
from piuploader.core.server import Album, Storage, Tag, User, Version
from tests.stub_server import PING, Reply, StubServer

KEY = "k" * 43
CHECK = ("POST", "/api/assets/bulk-upload-check")


@pytest.fixture
def server():
    with StubServer(PING) as server:
        yield server


@pytest.fixture
def client(server):
    with ImmichClient(server.url, KEY, timeout_s=(2.0, 5.0)) as client:
        yield client


def answer(server, method, path, reply):
    server.answers[method, "/api" + path] = reply


# -- what is asked ----------------------------------------------------------------------


def test_the_key_travels_in_its_header_and_nowhere_else(server, client):
    client.ping()
    (asked,) = server.asked
    assert asked.headers["x-api-key"] == KEY
    assert "authorization" not in asked.headers
    assert KEY not in repr(client) + asked.path


def test_a_netrc_is_not_sent_along(server, client, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password hush\n")
    monkeypatch.setenv("NETRC", str(netrc))
    client.ping()
    assert "authorization" not in server.asked[0].headers


def test_a_key_that_cannot_be_sent_is_refused_without_being_shown():
    with pytest.raises(errors.ConfigError) as caught:
        ImmichClient("http://localhost", "geheim\n€")
    assert "geheim" not in str(caught.value)


def test_version_types_user_and_storage_are_read(server, client):
    answer(server, "GET", "/server/version", Reply(body={"major": 3, "minor": 1, "patch": 0}))
    types = {"image": [".JPG", ".heic"], "video": [".mp4"], "sidecar": [".xmp"]}
    answer(server, "GET", "/server/media-types", Reply(body=types))
    user = {"id": "u", "name": "Ada", "isAdmin": True, "quotaSizeInBytes": None}
    answer(server, "GET", "/users/me", Reply(body=user | {"quotaUsageInBytes": 7}))
    room = {"diskSizeRaw": 10, "diskAvailableRaw": 3}
    answer(server, "GET", "/server/storage", Reply(body=room))
    answer(server, "GET", "/api-keys/me", Reply(body={"permissions": ["asset.upload"]}))
    answer(server, "GET", "/server/statistics", Reply(body={"photos": 5, "videos": 2}))
    answer(server, "GET", "/server/features", Reply(body={"trash": True, "x": 3}))
    answer(server, "GET", "/server/about", Reply(body={"version": "v3.1.0", "licensed": False}))

    assert client.version() == Version(3, 1, 0)
    assert str(client.version()) == "3.1.0"
    assert client.media_types().kind(".jpg") is Kind.IMAGE
    assert client.me() == User("u", "Ada", is_admin=True, quota_bytes=None, used_bytes=7)
    assert client.storage() == Storage(10, 3)
    assert client.permissions() == {"asset.upload"}
    assert client.statistics() == 7
    assert client.features() == {"trash": True}
    assert client.about() == {"version": "v3.1.0"}


def test_only_a_duplicate_with_an_asset_counts_as_held(server, client):
    """The server also rejects what it cannot read: that is no proof."""
    results = [
        {"id": "a", "action": "reject", "reason": "duplicate", "assetId": "1", "isTrashed": False},
        {"id": "b", "action": "reject", "reason": "duplicate", "assetId": "2", "isTrashed": True},
        {"id": "c", "action": "reject", "reason": "unsupported-format"},
        {"id": "d", "action": "accept"},
        {"id": "e", "action": "reject", "reason": "duplicate"},
    ]
    server.answers[CHECK] = Reply(body={"results": results})
    assert client.check(["a", "b", "c", "d", "e"]) == {
        "a": Holding("1", trashed=False),
        "b": Holding("2", trashed=True),
    }


def test_checks_are_split_and_an_empty_one_is_never_sent(server, client):
    server.answers[CHECK] = Reply(body={"results": []})
    assert client.check([]) == {}
    assert server.asked == []
    client.check([f"{n:040x}" for n in range(10_001)])
    assert [len(asked.json["assets"]) for asked in server.asked] == [5_000, 5_000, 1]


def test_restore_names_the_assets(server, client):
    answer(server, "POST", "/trash/restore/assets", Reply(body={"count": 2}))
    client.restore([])
    client.restore(["1", "2"])
    assert [asked.json for asked in server.asked] == [{"ids": ["1", "2"]}]


def test_albums_come_with_the_oldest_first(server, client):
    days = {"1": "2024-03-01", "2": "2024-01-01", "3": "2024-02-01"}
    albums = [
        {"id": id_, "albumName": "Rome", "createdAt": f"{day}T00:00:00.000Z"}
        for id_, day in days.items()
    ]
    answer(server, "GET", "/albums", Reply(body=albums))
    assert client.albums() == tuple(Album(id_, "Rome") for id_ in "231")


def test_an_album_is_made_and_filled(server, client):
    answer(server, "POST", "/albums", Reply(201, {"id": "9", "albumName": "Rome"}))
    put = [
        {"id": "a", "success": True},
        {"id": "b", "success": False, "error": "duplicate"},
        {"id": "c", "success": False, "error": "no_permission"},
    ]
    answer(server, "PUT", "/albums/9/assets", Reply(body=put))
    assert client.create_album("Rome") == Album("9", "Rome")
    assert client.add_to_album("9", ["a", "b", "c"]) == {"c": "no_permission"}
    assert client.add_to_album("9", []) == {}


def test_tags_are_made_and_put_on_assets(server, client):
    answer(server, "PUT", "/tags", Reply(body=[{"id": "t", "value": "Trips/Rome"}]))
    answer(server, "PUT", "/tags/assets", Reply(body={"count": 1}))
    assert client.upsert_tags([]) == ()
    assert client.upsert_tags(["Trips/Rome"]) == (Tag("t", "Trips/Rome"),)
    client.tag_assets(["t"], ["a"])
    client.tag_assets([], ["a"])
    assert server.asked[-1].json == {"assetIds": ["a"], "tagIds": ["t"]}
    assert len(server.asked) == 2


def test_the_server_tells_its_time_and_what_stands_before_it(server, client):
    headers = {"date": "Tue, 24 Nov 2026 10:00:00 GMT", "server": "nginx/1.26"}
    answer(server, "GET", "/server/ping", Reply(body={"res": "pong"}, headers=headers))
    assert client.front() == "nginx/1.26"
    assert client.date() == dt.datetime(2026, 11, 24, 10, tzinfo=dt.UTC)
    answer(server, "GET", "/server/ping", Reply(body={}, headers={"cf-ray": "1"}))
    assert client.front() == "cloudflare"


# -- what goes wrong --------------------------------------------------------------------

REFUSALS = [
    (401, {"message": "Invalid API key"}, errors.ServerRefusedKey, "Invalid API key"),
    (403, {"message": "Missing required permission: x.y"}, errors.PermissionMissing, "x.y"),
    (403, {"message": "Forbidden"}, errors.NotAnAdmin, "administrator"),
    (403, b"<html>blocked</html>", errors.ServerUnreachable, "not as an Immich server"),
    (404, {"message": "Cannot GET /api/users/me"}, errors.ServerTooOld, "GET /users/me"),
    (404, {"message": "Album not found"}, errors.ServerError, "Album not found"),
    (404, b"<html>nginx</html>", errors.ServerUnreachable, "not as an Immich server"),
    (413, b"<html>too large</html>", errors.ServerError, "limits"),
    (429, {"message": "slow down"}, errors.ServerBusy, "slow down"),
    (500, {"message": "Internal server error"}, errors.ServerBusy, "500"),
    (502, b"<html>bad gateway</html>", errors.ServerBusy, "502"),
    (503, b"", errors.ServerBusy, "503"),
    (504, b"", errors.ServerBusy, "504"),
    (507, b"", errors.ServerFull, "507"),
    (400, {"message": "Quota has been exceeded!"}, errors.ServerFull, "Quota"),
    (400, {"message": ["a", "b"]}, errors.ServerError, "a; b"),
    (
        400,
        {"message": "Validation failed", "errors": [{"path": ["ids", 0], "message": "no UUID"}]},
        errors.ServerError,
        "Validation failed: ids.0 no UUID",
    ),
    (200, b"<html>Welcome to our Wi-Fi</html>", errors.ServerUnreachable, "login page"),
    (200, b"[" * 200_000, errors.ServerUnreachable, "not as an Immich server"),
    (200, {"name": "Ada"}, errors.ServerError, "lacks 'id'"),
    (200, {"id": 3, "name": "Ada"}, errors.ServerError, "'id' is not text"),
    (200, [1], errors.ServerError, "not a table"),
    (200, b"", errors.ServerError, "not a table"),
]


@pytest.mark.parametrize("refusal", REFUSALS)
def test_each_refusal_becomes_one_of_our_errors(server, client, refusal):
    status, body, kind, says = refusal
    answer(server, "GET", "/users/me", Reply(status, body))
    with pytest.raises(kind) as caught:
        client.me()
    assert type(caught.value) is kind
    assert says in str(caught.value)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        ("7", 7.0),
        ("Tue, 24 Nov 2026 10:00:30 GMT", 30.0),
        ("Tue, 24 Nov 2026 09:00:00 GMT", 0.0),
        ("soon", None),
        ("-3", None),
    ],
)
def test_a_busy_server_may_say_how_long(server, client, asked, seconds):
    from piuploader.adapters.immich.failure import retry_after_s

    headers = {"retry-after": asked, "date": "Tue, 24 Nov 2026 10:00:00 GMT"}
    assert retry_after_s(headers) == seconds
    answer(server, "GET", "/server/ping", Reply(503, b"", {"retry-after": "12"}))
    with pytest.raises(errors.ServerBusy) as caught:
        client.ping()
    assert caught.value.retry_after_s == 12.0


def test_any_other_program_at_the_address_is_no_immich_server(server, client):
    answer(server, "GET", "/server/ping", Reply(body={"status": "ok"}))
    with pytest.raises(errors.ServerUnreachable, match="not as an Immich server"):
        client.ping()


def test_the_key_does_not_follow_a_redirect(server, client):
    with StubServer(PING) as other:
        moved = Reply(302, b"", {"location": other.url + "/api/server/ping?token=1"})
        answer(server, "GET", "/server/ping", moved)
        with pytest.raises(errors.ServerUnreachable, match=f"{other.port}/api/server/ping: use"):
            client.ping()
        assert other.asked == []


def test_nothing_listens_is_said_in_words():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        with (
            ImmichClient(url) as client,
            pytest.raises(errors.ServerUnreachable, match="nothing listens there"),
        ):
            client.ping()


def test_an_unknown_name_is_said_in_words():
    with (
        ImmichClient("http://no-such-name.invalid:2283") as client,
        pytest.raises(errors.ServerUnreachable, match=r"no-such-name\.invalid:2283 is not known"),
    ):
        client.ping()


def test_silence_ends_after_the_time_that_was_set(server):
    over = threading.Event()

    def silent(_asked):
        over.wait(10)
        return Reply(body={"res": "pong"})

    answer(server, "GET", "/server/ping", silent)
    with (
        ImmichClient(server.url, timeout_s=(1.0, 0.05)) as client,
        pytest.raises(errors.ServerUnreachable, match="said nothing"),
    ):
        client.ping()
    over.set()


def test_a_connection_that_is_cut_off_is_no_answer():
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def cut():
            connection, _ = listener.accept()
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{")
            connection.close()

        cutter = threading.Thread(target=cut)
        cutter.start()
        with (
            ImmichClient(f"http://127.0.0.1:{listener.getsockname()[1]}") as client,
            pytest.raises(errors.ServerUnreachable),
        ):
            client.ping()
        cutter.join()


# -- where it is ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "form", ["{url}", "{url}/", "{url}/api", "127.0.0.1:{port}", "{url}/photos"]
)
def test_an_address_may_be_written_in_many_ways(server, form):
    address = form.format(url=server.url, port=server.port)
    assert resolve(address) == server.url


def test_a_path_in_front_of_immich_is_kept():
    with StubServer({("GET", "/immich/api/server/ping"): Reply(body={"res": "pong"})}) as server:
        assert resolve(server.url + "/immich/api/") == server.url + "/immich"


def test_a_redirect_is_followed_once(server):
    with StubServer(PING) as other:
        moved = Reply(301, b"", {"location": other.url + "/api/server/ping"})
        answer(server, "GET", "/server/ping", moved)
        assert resolve(server.url) == other.url
        answer(other, "GET", "/server/ping", moved)
        with pytest.raises(errors.ServerUnreachable):
            resolve(server.url)


def test_a_proxy_of_the_environment_is_used(server, monkeypatch):
    monkeypatch.setenv("http_proxy", server.url)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    server.answers["GET", "http://photos.invalid/api/server/ping"] = Reply(body={"res": "pong"})
    with ImmichClient("http://photos.invalid") as client:
        client.ping()


# -- TLS --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate made at home: self-signed, for this machine."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "home")])
    now = dt.datetime.now(dt.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return folder


@pytest.fixture
def secure(certificate):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    with StubServer(PING, tls) as server:
        yield server


def test_a_home_made_certificate_is_trusted_once_it_is_named(secure, certificate):
    with ImmichClient(secure.url, ca_file=certificate / "cert.pem") as client:
        client.ping()
    assert resolve(secure.url, certificate / "cert.pem") == secure.url


def test_an_unknown_certificate_is_refused_with_the_remedy(secure):
    with (
        ImmichClient(secure.url) as client,
        pytest.raises(errors.ServerUnreachable, match=r"not trusted.*ca_file"),
    ):
        client.ping()
    assert secure.asked == []


def test_an_unknown_certificate_is_no_reason_to_go_without(secure, server, monkeypatch):
    """An address without a scheme is tried both ways, but never downgraded."""
    from piuploader.adapters.immich import find

    monkeypatch.setattr(find, "candidates", lambda _: (secure.url, server.url))
    with pytest.raises(errors.ServerUnreachable, match="not trusted"):
        resolve("photos.example.com")
    assert server.asked == []


def test_requests_own_list_of_authorities_is_not_used(secure, certificate, monkeypatch):
    """Uploads and calls must trust the same, whatever the environment tells requests."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate / "cert.pem"))
    with ImmichClient(secure.url) as client, pytest.raises(errors.ServerUnreachable):
        client.ping()


def test_https_to_a_plain_port_says_so(server):
    with (
        ImmichClient(server.url.replace("http", "https")) as client,
        pytest.raises(errors.ServerUnreachable, match="try http://"),
    ):
        client.ping()


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_a_ca_file_that_is_none_is_a_wrong_configuration(tmp_path, content):
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(errors.ConfigError, match=r"ca\.pem"):
        ssl_context(path)

"""How the server is reached: redirects, proxies, IPv6, TLS, and what is said when it is not."""

import base64
import contextlib
import socket
import ssl

import pytest

from piuploader import errors
from piuploader.adapters.immich import ssl_context
from piuploader.adapters.wire import endpoint
from tests.adapters.raw_server import RawServer, answer
from tests.adapters.sending import KEY, LARGE, SMALL, Count, file_of, send, sha1, upload_of, wire_to
from tests.certificates import Authority

FILM = 30_000_000


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch):
    """What this machine's environment says is none of the tests' business."""
    for name in ("http", "https", "all", "no"):
        monkeypatch.delenv(f"{name}_proxy", raising=False)
        monkeypatch.delenv(f"{name}_proxy".upper(), raising=False)


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def photo(tmp_path):
    return file_of(tmp_path, SMALL)


def content_of(peer):
    """Read one request, answer it and return what the form held, checksum first."""
    _, body = peer.request()
    peer.say(answer())
    return body


# ---- redirects


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("size", [SMALL, FILM])
@pytest.mark.parametrize("known", [True, False])
def test_a_redirect_to_tls_on_the_same_host_is_followed_and_kept(
    authority, tmp_path, status, size, known
):
    """With the same trust as before: `ca_file` is for both."""
    path = file_of(tmp_path, size)
    with RawServer(lambda peer: peer.serve(answer(), answer()), tls=authority.server()) as secure:
        location = f"{secure.url}/api/assets"

        def redirect(peer):
            peer.head()
            peer.say(answer(status, b"", Location=location))
            peer.drain()

        moved = Count()
        with RawServer(redirect) as plain, wire_to(plain.url, context=authority.client()) as wire:
            receipt = wire.send(upload_of(path, known=known), moved)
            assert receipt.checksum == ("ab" * 20 if known else sha1(path.read_bytes()))
            assert moved.total == size
            wire.send(upload_of(path, known=known), Count())
            assert len(plain.peers) == 1
        assert secure.peers[0].received > 2 * size


def test_a_relative_redirect_stays_on_the_server(photo):
    redirect = answer(308, b"", Location="/immich/api/assets")
    with RawServer(lambda peer: peer.serve(redirect), lambda peer: peer.serve(answer())) as server:
        assert send(server.url, photo).asset_id == "5f0c"
        assert server.heads[1].startswith(b"POST /immich/api/assets HTTP/1.1\r\n")


@pytest.mark.parametrize(
    "location",
    [
        *("http://elsewhere.example/api/assets", "//elsewhere.example/api/assets"),
        *("http://127.0.0.1@elsewhere.example/api/assets", "ftp://127.0.0.1/api/assets"),
        *("http://[::1/api/assets", "http://127.0.0.1:x/api/assets", "/login", "/x y/api/assets"),
        "http://127.0.0.1:99999/api/assets",
    ],
)
def test_the_key_goes_to_no_other_host_and_to_no_odd_place(photo, location):
    with RawServer(lambda peer: peer.serve(answer(308, b"", Location=location))) as server:
        with pytest.raises(errors.ServerUnreachable):
            send(server.url, photo)
        assert len(server.heads) == 1


def test_another_host_is_named_so_that_the_owner_can_use_it(photo):
    with RawServer() as other:
        location = f"http://localhost:{other.port}/api/assets"  # the same machine, another name
        with (
            RawServer(lambda peer: peer.serve(answer(307, b"", Location=location))) as server,
            pytest.raises(errors.ServerUnreachable, match=f"localhost:{other.port}"),
        ):
            send(server.url, photo)
        assert other.peers == []


def test_a_secure_server_cannot_send_us_to_an_open_one(authority, photo):
    with RawServer() as plain:
        location = f"{plain.url}/api/assets"
        script = lambda peer: peer.serve(answer(308, b"", Location=location))  # noqa: E731
        with (
            RawServer(script, tls=authority.server()) as secure,
            pytest.raises(errors.ServerUnreachable, match="plain http"),
        ):
            send(secure.url, photo, context=authority.client())
        assert plain.peers == []


def test_a_circle_of_redirects_has_an_end(photo):
    def redirect(peer):
        peer.serve(answer(308, b"", Location="/api/assets"))

    with (
        RawServer(redirect) as server,
        pytest.raises(errors.ServerUnreachable, match="in a circle"),
    ):
        send(server.url, photo)


def test_a_redirect_without_a_place_is_no_redirect(photo):
    with (
        RawServer(lambda peer: peer.serve(answer(302, b""))) as server,
        pytest.raises(errors.ServerUnreachable, match="302"),
    ):
        send(server.url, photo)


# ---- IPv6 and names


def has_ipv6():
    with contextlib.suppress(OSError), socket.create_server(("::1", 0), family=socket.AF_INET6):
        return True
    return False


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
@pytest.mark.parametrize("secure", [False, True])
def test_a_server_with_an_ipv6_address(authority, photo, secure):
    tls = authority.server() if secure else None
    with RawServer(host="::1", tls=tls) as server:
        assert send(server.url, photo, context=authority.client()).asset_id == "5f0c"
        assert f"Host: [::1]:{server.port}\r\n".encode() in server.heads[0] + b"\r\n"


ADDRESSES = {
    "http://photos.example.com": ("photos.example.com", "", "http://photos.example.com"),
    "http://photos:2283/": ("photos:2283", "", "http://photos:2283"),
    "https://photos:443/immich/": ("photos", "/immich", "https://photos/immich"),
    "https://[2001:db8::5]:80": ("[2001:db8::5]:80", "", "https://[2001:db8::5]:80"),
    "http://[fe80::1%eth0]:2283": ("[fe80::1]:2283", "", "http://[fe80::1]:2283"),
    "http://müller.example": ("xn--mller-kva.example", "", "http://xn--mller-kva.example"),
}


@pytest.mark.parametrize(("url", "wanted"), ADDRESSES.items())
def test_an_address_is_taken_apart(url, wanted):
    to = endpoint(url)
    assert (to.authority, to.target, to.url) == wanted


@pytest.mark.parametrize(
    "url",
    [
        *("", "photos", "ftp://photos", "http://", "http://[::1", "http://a:b", "http://a:99999"),
        *(
            "http://a b",
            "http://" + "a" * 64,
            "http://a/b c",
            "http://a/\x01",
            "http://a/ä",
            "http://ä..b",
        ),
    ],
)
def test_what_is_no_address_is_refused(url):
    with pytest.raises(errors.ConfigError):
        endpoint(url)


def test_a_name_that_nobody_knows_is_said_to_be_unknown(photo):
    with pytest.raises(errors.ServerUnreachable, match=r"nowhere\.invalid.*not known"):
        send("http://nowhere.invalid", photo)


# ---- TLS


def test_an_authority_that_the_owner_names_is_trusted(authority, photo):
    with RawServer(tls=authority.server()) as server:
        context = ssl_context(authority.path)
        assert send(server.url, photo, context=context).asset_id == "5f0c"


@pytest.mark.parametrize(
    ("names", "expired", "says"),
    [
        (["elsewhere.example"], False, r"for another name .*127\.0\.0\.1"),
        (["127.0.0.1"], True, r"not valid now .*clock"),
    ],
)
def test_a_certificate_that_no_authority_can_help_is_told_apart(
    authority, photo, names, expired, says
):
    with (
        RawServer(tls=authority.server(*names, expired=expired)) as server,
        pytest.raises(errors.ServerUnreachable, match=says) as caught,
    ):
        send(server.url, photo, context=authority.client())
    assert "ca_file" not in str(caught.value)


def test_a_certificate_of_a_stranger_names_the_remedy(authority, photo, tmp_path):
    stranger = Authority(tmp_path, "A stranger")
    with (
        RawServer(tls=stranger.server()) as server,
        pytest.raises(errors.ServerUnreachable, match=r"not trusted .*`ca_file`"),
    ):
        send(server.url, photo, context=authority.client())
    assert server.heads == []


def test_without_settings_the_system_decides_whom_to_trust(authority, photo):
    with (
        RawServer(tls=authority.server()) as server,
        pytest.raises(errors.ServerUnreachable, match="not trusted"),
    ):
        send(server.url, photo)


def test_a_plain_server_behind_a_secure_address_is_said_to_be_one(authority, photo):
    def grumble(peer):
        peer.say(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        peer.drain()

    with (
        RawServer(grumble) as server,
        pytest.raises(errors.ServerUnreachable, match=r"try http://"),
    ):
        send(server.url.replace("http", "https"), photo, context=authority.client())


def test_a_secure_server_behind_a_plain_address_is_no_server(authority, photo):
    with RawServer(tls=authority.server()) as server, pytest.raises(errors.ServerUnreachable):
        send(server.url.replace("https", "http"), photo)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_both_versions_of_tls_carry_files(authority, tmp_path, version, size):
    """TLS 1.3 sends tickets that are readable, and no answer."""
    tls = authority.server()
    tls.minimum_version = tls.maximum_version = version
    contents = []
    with RawServer(lambda peer: contents.append(content_of(peer)), tls=tls) as server:
        path = file_of(tmp_path, size)
        receipt = send(server.url, path, known=False, context=authority.client())
        assert receipt.checksum == sha1(path.read_bytes())
    assert path.read_bytes() in contents[0]


# ---- proxies


def proxied(peer):
    """Be a proxy for one connection; keep the requests' heads."""
    headers = peer.head()
    method, target, _ = headers[""].split()
    if method == "CONNECT":
        peer.say(b"HTTP/1.1 200 Connection established\r\n\r\n")
        peer.pipe(int(target.rpartition(":")[2]))
    else:
        peer.skip(int(headers["content-length"]))
        peer.say(answer())
        peer.drain()


def test_a_plain_server_is_asked_through_the_proxy_of_the_environment(photo, monkeypatch):
    with RawServer(proxied) as proxy:
        monkeypatch.setenv("http_proxy", proxy.authority)
        assert send("http://photos.example:2283/immich", photo).asset_id == "5f0c"
        first, *lines = proxy.heads[0].split(b"\r\n")
    assert first == b"POST http://photos.example:2283/immich/api/assets HTTP/1.1"
    assert b"Host: photos.example:2283" in lines


def test_a_secure_server_is_reached_through_a_tunnel_that_never_sees_the_key(
    authority, photo, monkeypatch
):
    with RawServer(proxied) as proxy, RawServer(tls=authority.server()) as server:
        monkeypatch.setenv("https_proxy", f"http://{proxy.authority}")
        url = server.url.replace("127.0.0.1", "localhost")
        assert send(url, photo, context=authority.client()).asset_id == "5f0c"
        assert proxy.heads[0].startswith(f"CONNECT localhost:{server.port} HTTP/1.".encode())
        assert KEY.encode() not in proxy.heads[0]
        assert b"POST /api/assets HTTP/1.1" in server.heads[0]


@pytest.mark.parametrize("secure", [False, True])
def test_a_proxy_gets_its_name_and_password_and_the_server_does_not(
    authority, photo, monkeypatch, secure
):
    tls = authority.server() if secure else None
    with RawServer(proxied) as proxy, RawServer(tls=tls) as server:
        monkeypatch.setenv(
            "https_proxy" if secure else "http_proxy", f"http://me:p%40ss@{proxy.authority}"
        )
        send(server.url, photo, context=authority.client())
        login = b"Proxy-Authorization: Basic " + base64.b64encode(b"me:p@ss")
        assert login in proxy.heads[0]
        assert len(server.heads) == secure
        assert all(login not in head for head in server.heads)


@pytest.mark.parametrize("exempt", ["127.0.0.1", "localhost,127.0.0.1", "*", "127.0.0.0/8"])
def test_no_proxy_names_servers_that_are_near(photo, monkeypatch, exempt):
    """As requests reads it for all other calls, networks included."""
    with RawServer() as server, RawServer(proxied) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", exempt)
        assert send(server.url, photo).asset_id == "5f0c"
        assert len(server.heads) == 1
        assert proxy.peers == []


def test_one_variable_may_name_the_proxy_for_all(photo, monkeypatch):
    with RawServer(proxied) as proxy:
        monkeypatch.setenv("all_proxy", proxy.url)
        assert send("http://photos.example", photo).asset_id == "5f0c"
        assert proxy.heads


@pytest.mark.parametrize("kind", ["socks5", "https"])
def test_a_proxy_of_another_kind_is_no_surprise(monkeypatch, kind):
    monkeypatch.setenv("http_proxy", f"{kind}://127.0.0.1:1080")
    with pytest.raises(errors.ConfigError, match=rf"{kind}://.*no_proxy"):
        endpoint("http://photos.example")


@pytest.mark.parametrize("proxy", ["a:b", "a b:80", "http://me:secret@", "http://" + "a" * 64])
def test_a_proxy_that_is_none_is_found_before_anything_is_sent(monkeypatch, proxy):
    monkeypatch.setenv("http_proxy", proxy)
    with pytest.raises(errors.ConfigError, match="proxy") as caught:
        endpoint("http://photos.example")
    assert "secret" not in str(caught.value)


def test_a_proxy_that_wants_a_login_is_told_from_a_server_that_refuses_the_key(
    authority, photo, monkeypatch
):
    def want_login(peer):
        peer.head()
        peer.say(answer(407, b"", Proxy_Authenticate="Basic"))
        peer.drain()

    with RawServer(want_login) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("https_proxy", proxy.url)
        with pytest.raises(errors.ServerUnreachable, match="proxy wants a name and a password"):
            send("http://photos.example", photo)
        with pytest.raises(errors.ServerUnreachable, match=r"proxy 127\.0\.0\.1.*407"):
            send("https://photos.example", photo, context=authority.client())


def test_a_proxy_that_is_away_is_named_without_its_password(photo, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://me:secret@127.0.0.1:1")
    with pytest.raises(errors.ServerUnreachable, match=r"proxy 127\.0\.0\.1") as caught:
        send("http://photos.example", photo)
    assert "secret" not in str(caught.value)

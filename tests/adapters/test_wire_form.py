"""The form around a file, read back by a parser that is not ours."""

import email
import email.policy
import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piuploader.adapters.wire import endpoint
from piuploader.adapters.wire.form import Form
from piuploader.core.media import Sidecar, Upload
from piuploader.errors import ConfigError
from tests.adapters.sending import KEY, WHEN

FILE = b"the file's bytes"
HEADERS = ["Host", "User-Agent", "Accept", "x-api-key", "Content-Type", "x-immich-checksum"]

# Whatever a file may be called on Linux, as Python shows it to us; some with a bad intention.
names = st.one_of(
    st.binary(min_size=1, max_size=255),
    st.lists(
        st.sampled_from(
            [
                "\r\n",
                "\n",
                '"',
                "\\",
                "; ",
                "name=",
                "--",
                "%22",
                "é",
                "😀",
                "\x00",
                "\t",
                " ",
                "a:",
            ]
        ),
        min_size=1,
        max_size=20,
    ).map(lambda parts: "".join(parts).encode()),
).map(lambda name: os.fsdecode(name.replace(b"/", b"").replace(b"\0", b"") or b"x"))
sidecars = st.none() | st.builds(Sidecar, names, st.binary(max_size=300))
uploads = st.builds(
    Upload,
    path=st.just("/drive/x"),
    name=names.map(lambda name: name + ".jpg"),
    size=st.just(len(FILE)),
    mtime_ns=st.integers(0, 2**62),
    created_at=st.just(WHEN),
    checksum=st.none() | st.just("ab" * 20),
    sidecar=sidecars,
    hidden=st.booleans(),
    live_photo_video_id=st.none() | st.uuids().map(str),
    modified_at=st.none() | st.just("2023-05-06T07:08:09+00:00"),
)


def parts_of(request: bytes) -> tuple[bytes, list]:
    """Split a request into its head and the parts of its form."""
    head, _, body = request.partition(b"\r\n\r\n")
    kind = re.search(rb"(?m)^Content-Type: .*$", head)[0].strip()
    message = email.message_from_bytes(kind + b"\r\n\r\n" + body, policy=email.policy.HTTP)
    assert message.defects == []
    return head, [(part, part.get_payload(decode=True)) for part in message.iter_parts()]


def shown(name: str) -> str:
    """Return a name as a server sees it: what is no UTF-8 is replaced."""
    return os.fsencode(name).decode("utf-8", "replace")


def field(part) -> str:
    return part.get_param("name", header="content-disposition")


@given(uploads, st.booleans())
def test_every_field_can_be_read_back_by_another_parser(upload, device_fields):
    form = Form(endpoint("http://server:2283"), KEY, device_fields=device_fields, agent="t")
    framed = form.frame(upload)
    _, parts = parts_of(framed.head + FILE + framed.tail)
    found = {field(part): content for part, content in parts}
    wanted = {
        "fileCreatedAt": WHEN.encode(),
        "fileModifiedAt": (upload.modified_at or WHEN).encode(),
        "filename": shown(upload.name).encode(),
        "assetData": FILE,
    }
    if upload.sidecar:
        wanted["sidecarData"] = upload.sidecar.data
    if upload.hidden:
        wanted["visibility"] = b"hidden"
    if upload.live_photo_video_id:
        wanted["livePhotoVideoId"] = upload.live_photo_video_id.encode()
    if device_fields:
        asset = f"{shown(upload.name)}-{upload.size}-{upload.mtime_ns}"
        wanted |= {"deviceAssetId": asset.encode(), "deviceId": b"piuploader"}
    assert found == wanted
    assert len(parts) == len(wanted)


@given(uploads)
def test_the_order_is_the_one_that_immich_needs(upload):
    """The sidecar before the name that would have it refused, the name before the file."""
    form = Form(endpoint("http://server:2283"), KEY, device_fields=True, agent="t")
    framed = form.frame(upload)
    _, parts = parts_of(framed.head + FILE + framed.tail)
    order = [field(part) for part, _ in parts]
    assert order[-1] == "assetData"
    assert order.index("filename") < order.index("assetData")
    assert order[0] == ("sidecarData" if upload.sidecar else "fileCreatedAt")


@given(uploads)
def test_no_name_gets_into_the_headers(upload):
    """Whatever a file is called: the same headers, and a length that is right."""
    framed = Form(endpoint("http://server"), KEY, device_fields=True, agent="t").frame(upload)
    head, _, body = framed.head.partition(b"\r\n\r\n")
    first, *lines = head.decode("ascii").split("\r\n")
    assert first == "POST /api/assets HTTP/1.1"
    wanted = HEADERS if upload.checksum else HEADERS[:-1]
    assert [line.partition(":")[0] for line in lines] == [*wanted, "Content-Length"]
    length = len(body) + upload.size + len(framed.tail)
    assert lines[-1] == f"Content-Length: {length}"


@given(uploads)
def test_the_header_of_a_part_holds_no_control_characters(upload):
    """Busboy, which reads the form in Immich, refuses the whole upload for one."""
    framed = Form(endpoint("http://server"), KEY, device_fields=True, agent="t").frame(upload)
    boundary = re.search(rb"boundary=(\w+)", framed.head)[1]
    parts = (framed.head.partition(b"\r\n\r\n")[2]).split(b"--" + boundary + b"\r\n")[1:]
    for part in parts:
        for line in part.partition(b"\r\n\r\n")[0].split(b"\r\n"):
            assert re.fullmatch(rb"[ -~\x80-\xff]*", line), line
            if b"filename=" in line:
                assert re.search(rb'filename="[^"]*"$', line), line


def test_two_connections_have_two_boundaries():
    """Nobody who writes a file can know the one that it will be sent with."""
    heads = {
        Form(endpoint("http://server"), KEY, device_fields=False, agent="t")
        .frame(Upload("/x", "x.jpg", 1, 1, WHEN, None))
        .tail
        for _ in range(20)
    }
    assert len(heads) == 20


@pytest.mark.parametrize("key", ["a b", "a\r\nX-Evil: 1", "schlüssel", "a\x00", "a\n"])
def test_a_key_that_is_no_key_is_refused_and_not_shown(key):
    with pytest.raises(ConfigError) as caught:
        Form(endpoint("http://server"), key, device_fields=False, agent="t")
    assert key not in str(caught.value)

"""What OpenZFS has and zfs-fuse hasn't, and what is said where ZFS doesn't work: from recordings."""

from __future__ import annotations

import pytest

from glacier_backup.errors import SourceError, SourceMissing, SourceUnavailable, TargetError
from glacier_backup.model.snapshot import Span
from glacier_backup.zfs import Dataset, SendOptions, Zfs
from tests.zfs_recorded.recording import Recording

PHOTOS = "tank/photos"
OLD, NEW = "offsite-20260314", "offsite-20260321"
RAW = SendOptions(intermediates=False, raw=True)
ALL = SendOptions(raw=True, properties=True)


@pytest.fixture
def openzfs(recorded: Recording) -> Recording:
    recorded("usage-2.2", "openzfs-2.2")
    return recorded


def receive(dataset: str, data: bytes, resumable: bool = False) -> None:
    with Zfs().receiving(dataset, resumable=resumable) as receiving:
        receiving.write(memoryview(data))
        receiving.finish()


def test_encrypted_datasets_and_volumes_are_told(openzfs: Recording) -> None:
    assert Zfs().datasets(PHOTOS, recursive=True) == [
        Dataset(PHOTOS, "filesystem", 734_003_200, True),
        Dataset(f"{PHOTOS}/raw", "volume", 1_073_741_824, False),
    ]
    assert [one.name for one in Zfs().datasets(PHOTOS, recursive=False)] == [PHOTOS]


def test_snapshots_are_listed_without_all_else(openzfs: Recording) -> None:
    assert [(one.name, one.guid, one.is_held) for one in Zfs().snapshots(PHOTOS)] == [
        (OLD, f"{6510615555426900570:016x}", False),
        (NEW, f"{17263486921640304101:016x}", True),
    ]


def test_bytes_written_since_a_snapshot_are_told(openzfs: Recording) -> None:
    assert Zfs().written(PHOTOS, NEW) == 528_384
    assert Zfs().written(PHOTOS, "gone") is None


@pytest.mark.parametrize(
    ("span", "options", "size"),
    [
        (Span(OLD), SendOptions(), 731_964_416),
        (Span(NEW, base=OLD), RAW, 4_203_184),
        (Span(NEW, base=OLD), ALL, 4_203_920),
    ],
)
def test_the_size_of_a_stream_is_told_in_advance(
    openzfs: Recording, span: Span, options: SendOptions, size: int
) -> None:
    assert Zfs().size(PHOTOS, span, options) == size


def test_a_size_may_be_said_on_standard_error(openzfs: Recording) -> None:
    openzfs.answer('[[answer]]\ncommand = ["send", "-nPv", "*"]\nsaid = "full\\tx\\t7\\nsize\\t7\\n"\n')
    assert Zfs().size(PHOTOS, Span(OLD), SendOptions()) == 7


@pytest.mark.parametrize("version", ["2.1", "2.2", "2.3"])
def test_the_options_of_each_version_are_known(recorded: Recording, version: str) -> None:
    recorded(f"usage-{version}", "openzfs-2.2")
    assert Zfs().size(PHOTOS, Span(NEW, base=OLD), RAW) == 4_203_184
    assert Zfs().written(PHOTOS, NEW) == 528_384
    receive("tank/new", b"stream", resumable=True)
    assert recorded.calls[-1] == ["receive", "-u", "-s", "tank/new"]


def test_options_are_asked_for_once_in_a_run(openzfs: Recording) -> None:
    own = Zfs()
    own.snapshots(PHOTOS)
    own.written(PHOTOS, NEW)
    assert sorted(call for call in openzfs.calls if len(call) == 1) == [["get"], ["receive"], ["send"]]


def test_a_key_that_is_not_loaded_has_two_cures(openzfs: Recording) -> None:
    with pytest.raises(SourceError, match=f"^zfs:{PHOTOS}: .*dataset key must be loaded") as caught:
        Zfs().size(PHOTOS, Span(NEW, base=OLD), SendOptions())
    assert "raw = yes" in str(caught.value.hint)
    assert f"zfs load-key {PHOTOS}" in str(caught.value.hint)


def test_holds_and_releases_can_be_repeated(openzfs: Recording) -> None:
    own = Zfs()
    own.hold(PHOTOS, NEW, "taken")
    own.release(PHOTOS, NEW, "other")
    own.release(PHOTOS, "gone", "new")
    own.destroy(PHOTOS, "gone")
    with pytest.raises(SourceMissing, match="its snapshot gone isn't there"):
        own.hold(PHOTOS, "gone", "new")


def test_without_permission_the_line_is_told_that_allows_it(openzfs: Recording) -> None:
    with pytest.raises(SourceError, match=r"cannot hold .*: permission denied") as caught:
        Zfs().hold(PHOTOS, NEW, "forbidden")
    assert f"zfs allow -u root send,snapshot,hold,release,destroy,mount {PHOTOS}" in str(caught.value.hint)
    with pytest.raises(SourceError, match=rf"{PHOTOS}/raw@.*permission denied; cannot .*: permission denied$"):
        Zfs().take(PHOTOS, "offsite-20260328", recursive=True)
    with pytest.raises(TargetError, match="permission denied") as denied:
        receive("tank/forbidden", b"stream")
    assert "zfs allow -u root receive,create,mount tank" in str(denied.value.hint)


def test_a_name_with_a_blank_is_quoted_in_the_line(openzfs: Recording) -> None:
    openzfs.answer(
        """[[answer]]
command = ["hold", "*", "*"]
said = "cannot hold snapshot 'tank/my photos@a': permission denied\\n"
status = 1
"""
    )
    with pytest.raises(SourceError) as caught:
        Zfs().hold("tank/my photos", "a", "tag")
    assert str(caught.value.hint).endswith(" 'tank/my photos'")


def test_what_keeps_a_snapshot_is_told(openzfs: Recording) -> None:
    with pytest.raises(SourceError, match="dataset is busy") as caught:
        Zfs().destroy(PHOTOS, OLD)
    assert "userrefs" in str(caught.value.hint)
    with pytest.raises(SourceError, match=r"has dependent clones; use '-R'.* tank/trial"):
        Zfs().destroy(PHOTOS, NEW)


def test_a_full_pool_is_told(openzfs: Recording) -> None:
    with pytest.raises(SourceError, match="out of space") as caught:
        Zfs().take(PHOTOS, "full", recursive=False)
    assert "make room" in str(caught.value.hint)
    with pytest.raises(TargetError, match="out of space"):
        receive("tank/full", b"stream")


@pytest.mark.parametrize(
    ("dataset", "said", "cure"),
    [
        ("tank/used", "has been modified since most recent snapshot", "zfs rollback"),
        (PHOTOS, "must specify -F", "isn't there yet"),
        ("tank/old", "pool must be upgraded", "newer ZFS"),
        ("tank/half", "partially-complete state", "zfs receive -A tank/half"),
    ],
)
def test_what_can_not_be_received_into_has_a_cure(openzfs: Recording, dataset: str, said: str, cure: str) -> None:
    with pytest.raises(TargetError, match=said) as caught:
        receive(dataset, bytes(5_000_000))
    assert cure in str(caught.value.hint)


def test_what_is_received_is_not_mounted(openzfs: Recording) -> None:
    receive("tank/new", bytes(3_000_000))
    assert openzfs.calls[-1] == ["receive", "-u", "tank/new"]
    assert openzfs.taken == [3_000_000]


def test_what_was_received_in_part_can_be_gone_on_with_or_dropped(openzfs: Recording) -> None:
    with pytest.raises(TargetError, match="Partially received snapshot is saved") as caught:
        receive("tank/half", b"stream", resumable=True)
    assert caught.value.hint == "to drop what is there of a stream that was broken off: zfs receive -A tank/half"
    assert str(Zfs().resume_token("tank/half")).startswith("1-c740b4779-")
    assert Zfs().resume_token(PHOTOS) is None
    assert Zfs().resume_token("tank/gone") is None
    Zfs().abandon("tank/half")
    Zfs().abandon(PHOTOS)


SENT = """[[answer]]
command = ["send", "*"]
sends = {sends}
{more}
"""


def read(span: Span, options: SendOptions) -> int:
    buffer = memoryview(bytearray(1024 * 1024))
    total = 0
    with Zfs().sending(PHOTOS, span, options) as sending:
        while True:
            total += (count := sending.readinto(buffer))
            if count < len(buffer):
                sending.finish()
                return total


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("status = 1\nsaid = \"warning: cannot send 'tank/photos': I/O error\\n\"", "I/O error"),
        ("status = 3", "zfs send failed with exit status 3$"),
        ("signal = 15", "zfs send failed with signal 15$"),
    ],
)
@pytest.mark.parametrize("sends", [0, 1024 * 1024, 2_500_000])
def test_the_exit_status_of_a_send_decides_whatever_it_has_printed(
    openzfs: Recording, sends: int, more: str, told: str
) -> None:
    openzfs.answer(SENT.format(sends=sends, more=more))
    with pytest.raises(SourceError, match=told):
        read(Span(NEW), SendOptions())


def test_a_send_that_prints_nothing_is_no_stream(openzfs: Recording) -> None:
    openzfs.answer(SENT.format(sends=0, more="status = 0"))
    with pytest.raises(SourceError, match="has printed nothing"):
        read(Span(NEW), SendOptions())


def test_a_snapshot_that_goes_while_it_is_sent_is_no_stream(openzfs: Recording) -> None:
    said = f"WARNING: could not send {PHOTOS}@{NEW}: does not exist\\n"
    openzfs.answer(SENT.format(sends=9_000, more=f'said = "{said}"\nstatus = 1'))
    with pytest.raises(SourceMissing, match="could not send"):
        read(Span(NEW), SendOptions())


def test_one_whose_guid_is_another_is_not_begun(openzfs: Recording) -> None:
    with pytest.raises(SourceError, match="another has its name now"):
        read(Span(NEW, "0123456789abcdef"), SendOptions())
    assert not [call for call in openzfs.calls if call[0] == "send" and len(call) > 1]


def test_all_options_come_in_front_of_the_snapshots(openzfs: Recording) -> None:
    openzfs.answer('[[answer]]\ncommand = ["send", "-p", "-w", "-I", "*", "*"]\nsends = 10\n')
    assert read(Span(NEW, f"{17263486921640304101:016x}", OLD), ALL) == 10
    assert openzfs.calls[-1] == ["send", "-p", "-w", "-I", f"{PHOTOS}@{OLD}", f"{PHOTOS}@{NEW}"]


@pytest.mark.parametrize(
    ("name", "told", "cure"),
    [
        ("no-modules", "ZFS isn't at work here .*cannot be auto-loaded", "modprobe zfs"),
        ("zfs-fuse-stopped", "ZFS doesn't answer", "start the zfs-fuse daemon"),
        ("zfs-fuse-not-root", "ZFS lets nobody but root in", "run it as root"),
    ],
)
def test_where_zfs_does_not_work_it_says_so(recorded: Recording, name: str, told: str, cure: str) -> None:
    recorded(name)
    with pytest.raises(SourceUnavailable, match=told) as caught:
        Zfs().snapshots(PHOTOS)
    assert cure in str(caught.value.hint)
    with pytest.raises(TargetError, match=told):
        receive("tank/new", b"stream")


def test_what_is_not_understood_is_told_as_it_was_said(openzfs: Recording) -> None:
    openzfs.answer('[[answer]]\ncommand = ["hold", "*", "*"]\nsaid = "something new\\n"\nstatus = 1\n')
    with pytest.raises(SourceError, match=f"^zfs:{PHOTOS}: zfs hold failed with exit status 1: something new$"):
        Zfs().hold(PHOTOS, NEW, "tag")


@pytest.mark.parametrize("line", ["no tabs", f"{PHOTOS}@x\\tguid\\t-"])
def test_a_listing_that_is_none_is_an_error(openzfs: Recording, line: str) -> None:
    known = "guid,createtxg,creation,userrefs"
    answered = f'"get", "-Hp", "-o", "name,property,value", "-r", "-d", "1", "-t", "snapshot", "{known}"'
    openzfs.answer(f'[[answer]]\ncommand = [{answered}, "{PHOTOS}"]\noutput = "{line}\\n"\n')
    with pytest.raises(SourceError, match=r"can't be understood|is no number"):
        Zfs().snapshots(PHOTOS)


def test_it_sees_no_variables_of_ours(openzfs: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLACIER_BACKUP_PASSPHRASE", "secret")
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    Zfs().snapshots(PHOTOS)
    for seen in openzfs.environments:
        assert "secret" not in str(seen)
        assert seen["LC_ALL"] == "C"

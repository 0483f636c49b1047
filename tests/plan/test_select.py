"""Sections that overlap: each path once, where it is first reached, with its own section's options."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from glacier_backup.exclusion import NOTHING, Exclusion
from glacier_backup.model.candidate import Candidate, Kind, PassedOver, Resolved
from glacier_backup.model.reason import ExcludedBy, Missing, NoUploadOption, Unreadable
from glacier_backup.model.tree_digest import tree_fingerprint
from glacier_backup.plan.select import select


@dataclass(frozen=True)
class Section:
    """A section with what it resolves to."""

    path: str
    found: tuple[Resolved, ...] = ()
    compare: bool = False
    is_tree: bool = False
    exclusion: Exclusion = NOTHING


def section(path: str, *names: str, compare: bool = False) -> Section:
    """One that selects its direct children ``names``, or itself when there are none."""
    paths = [f"{path.rstrip('/')}/{name}" for name in names] or [path]
    return Section(path, tuple(Candidate(one, "file", path, compare) for one in paths), compare)


def passing_over(path: str, reason: Missing | NoUploadOption | Unreadable) -> Section:
    return Section(path, (PassedOver(path, path, reason),))


def selected(*sections: Section) -> list[Resolved]:
    def resolve(section: Section) -> Iterable[Resolved]:
        return section.found

    return list(select(sections, resolve))


def test_sections_come_in_their_order_and_each_in_its_own() -> None:
    sections = section("/b", "z", "a"), passing_over("/gone", Missing()), section("/a", "c")
    assert selected(*sections) == [*sections[0].found, *sections[1].found, *sections[2].found]


def test_a_path_reached_before_its_own_section_keeps_its_place_and_has_its_own_options() -> None:
    data, dump = section("/data", "dump", "notes"), section("/data/dump", compare=True)
    assert selected(data, dump) == [
        Candidate("/data/dump", "file", "/data/dump", compare=True),
        Candidate("/data/notes", "file", "/data", compare=False),
    ]


def test_a_file_of_a_tree_that_was_named_by_itself_stays_the_trees() -> None:
    seen = tree_fingerprint("file", 1, 0)
    found = Candidate("/data/a", "file", "/data", compare=True, seen=seen)
    assert selected(Section("/data/a", (found,)), section("/data")) == [found, *section("/data").found]


def test_a_path_reached_after_its_own_section_is_not_repeated() -> None:
    data, dump = section("/data", "dump", "notes", compare=True), section("/data/dump")
    assert selected(dump, data) == [
        Candidate("/data/dump", "file", "/data/dump", compare=False),
        Candidate("/data/notes", "file", "/data", compare=True),
    ]


def test_a_child_of_the_root_directory_may_have_a_section() -> None:
    assert selected(section("/", "etc", "srv"), section("/etc", compare=True)) == [
        Candidate("/etc", "file", "/etc", compare=True),
        Candidate("/srv", "file", "/", compare=False),
    ]


def test_an_exclusion_elsewhere_does_not_hold_for_a_path_with_a_section() -> None:
    data = Section("/data", (PassedOver("/data/mail", "/data", ExcludedBy("m")),))
    mail = section("/data/mail")
    assert selected(data, mail) == selected(mail, data) == list(mail.found)


def test_a_section_without_upload_option_still_gives_the_options_of_its_path() -> None:
    data, mail = section("/data", "mail"), passing_over("/data/mail", NoUploadOption())
    expected = [Candidate("/data/mail", "file", "/data/mail", compare=False)]
    assert selected(data, mail) == selected(mail, data) == expected


def test_a_section_without_upload_option_that_nothing_else_selects_is_said() -> None:
    data, mail = section("/data", "other"), passing_over("/data/mail", NoUploadOption())
    assert selected(data, mail) == [*data.found, *mail.found]
    assert selected(mail, data) == [*data.found, *mail.found]
    assert selected(mail, section("/else")) == [*mail.found, *section("/else").found]


def test_a_section_that_can_not_be_read_is_not_sent_by_another() -> None:
    mail = passing_over("/data/mail", Unreadable("Permission denied"))
    assert selected(mail, section("/data", "mail")) == list(mail.found)


def test_a_section_that_can_not_be_read_is_said_though_the_one_above_sends_it() -> None:
    above, closed = section("/data", "closed"), passing_over("/data/closed", Unreadable("Permission denied"))
    assert selected(above, closed) == [
        Candidate("/data/closed", "file", "/data/closed", compare=False),
        *closed.found,
    ]


def test_a_name_that_a_listing_has_twice_counts_once() -> None:
    data = section("/data", "a", "a", "b")
    assert selected(data) == [data.found[0], data.found[2]]


def test_the_same_section_twice_counts_once() -> None:
    assert selected(section("/dump"), section("/dump")) == list(section("/dump").found)


def test_a_section_is_resolved_when_its_turn_comes_and_read_one_by_one() -> None:
    log: list[str] = []

    def resolve(section: Section) -> Iterator[Resolved]:
        for found in section.found:
            log.append(found.path)
            yield found

    result = select([section("/a", "1", "2"), section("/b", "1")], resolve)
    assert log == []
    assert next(result).path == "/a/1"
    assert log == ["/a/1"]


def tree(path: str, *found: Resolved) -> Section:
    return Section(path, found, is_tree=True)


def in_tree(path: str, section: str, kind: Kind = "file") -> Candidate:
    return Candidate(path, kind, section, compare=True, seen=tree_fingerprint(kind, 1, 1))


class TestTrees:
    """A tree is told of the other sections beforehand: what it finds is its own."""

    def test_what_a_tree_finds_at_the_path_of_another_section_stays_the_trees(self) -> None:
        link = in_tree("/data/link", "/data", "link")
        outer, inner = tree("/data", in_tree("/data/a", "/data"), link), section("/data/link", "b")
        assert selected(outer, inner) == [*outer.found, *inner.found]
        assert selected(inner, outer) == [*inner.found, *outer.found]

    def test_a_directory_that_is_a_tree_is_no_archive_of_the_section_above(self) -> None:
        above = Section("/data", (Candidate("/data/mail", "directory", "/data", compare=False),))
        mail = tree("/data/mail", in_tree("/data/mail/a", "/data/mail"))
        assert selected(above, mail) == selected(mail, above) == list(mail.found)

    def test_a_file_that_is_looked_after_as_a_tree_is_that_file_once(self) -> None:
        above, dump = section("/data", "dump"), Section("/data/dump", section("/data/dump").found, is_tree=True)
        assert selected(above, dump) == selected(dump, above) == list(dump.found)

    def test_what_a_tree_passes_over_does_not_count_where_the_path_has_a_section(self) -> None:
        outer = tree("/data", PassedOver("/data/mail", "/data", ExcludedBy("m")))
        mail = section("/data/mail", "a")
        assert selected(outer, mail) == selected(mail, outer) == list(mail.found)

    def test_what_a_tree_can_not_read_is_said_unless_the_paths_own_section_tells_or_sends_it(self) -> None:
        trouble = PassedOver("/data/mail", "/data", Unreadable("Permission denied"))
        outer = tree("/data", trouble)
        for inner, expected in (
            (section("/data/mail", "a"), [trouble]),
            (section("/data/mail"), []),
            (passing_over("/data/mail", Unreadable("Permission denied")), []),
            (passing_over("/data/mail", NoUploadOption()), [trouble]),
        ):
            for sections in ((outer, inner), (inner, outer)):
                assert sorted(selected(*sections), key=str) == sorted([*inner.found, *expected], key=str)

    def test_the_troubles_of_a_tree_come_where_they_are_found(self) -> None:
        own = PassedOver("/data", "/data", Unreadable("Permission denied"))
        below = PassedOver("/data/a", "/data", Unreadable("Permission denied"))
        assert selected(tree("/data", below)) == [below]
        assert selected(tree("/data", own)) == [own]


NAMES = st.sampled_from("abc")
PATHS = st.lists(NAMES, min_size=1, max_size=3).map(lambda names: "/" + "/".join(names))
SECTIONS = st.lists(
    st.builds(
        lambda path, names, compare: section(path, *names, compare=compare),
        PATHS,
        st.lists(NAMES, unique=True),
        st.booleans(),
    ),
    unique_by=lambda section: section.path,
)


@settings(deadline=None)
@given(SECTIONS)
def test_every_path_comes_once_with_the_options_of_its_own_section(sections: list[Section]) -> None:
    found = [one for one in selected(*sections) if isinstance(one, Candidate)]
    first = dict.fromkeys(one.path for section in sections for one in section.found)
    assert [one.path for one in found] == list(first)
    own = {section.path: section for section in sections}
    for one in found:
        assert one.compare == own[one.section].compare
        assert one.section == (one.path if one.path in own else one.path.rpartition("/")[0])


def test_what_is_left_out_of_a_directory_is_what_its_own_section_says() -> None:
    of_above, of_own = Exclusion(("a",), below="mail/"), Exclusion(("b",))
    above = Section("/data", (Candidate("/data/mail", "directory", "/data", compare=False, exclusion=of_above),))
    own = Section("/data/mail", (), exclusion=of_own)
    assert [one.exclusion for one in selected(above, own) if isinstance(one, Candidate)] == [of_own]

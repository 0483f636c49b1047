"""A ``zfs`` that answers from recordings: of what zfs-fuse lacks, and of machines on which ZFS doesn't work.

The fixture ``recorded`` puts one on the PATH::

    def test_the_size_is_told_in_advance(recorded: Recording) -> None:
        recorded("openzfs-2.2")
        assert Zfs().size(...) == 1_234
        assert recorded.calls[-1] == ["send", "-nPv", "tank/photos@a"]

A recording is a TOML file below ``recordings``, which says where its answers are from and of which date. Each answer
has a ``command`` (``*`` stands for any one argument) and what is printed: ``output``, ``said`` (standard error) and
``status``; ``takes`` is how many bytes of standard input are read before (-1: all), ``sends`` how many are printed, and
``signal`` what ends it. The first that fits is given; where none fits the test fails, at its end at the latest.
zfs-fuse has no volumes: they are in recordings alone.
"""

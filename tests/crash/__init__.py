"""The crash harness: the real program, killed at seeded moments again and again until a run completes.

Each seed is a trial: a few candidates, a new vault on the strict server (or another destination, see `into`), faults,
kills, and what happens between two runs (`scenario`). Afterwards every promise about sending is checked (`promises`).
To see that it would notice, `test_harness.py` breaks each promise by hand.

    pytest tests/crash                                  the seeds of CI
    pytest tests/crash --crash-seeds=1000-1999          others
    python -m tests.crash --seeds 0-999 --jobs 2        the same without pytest, with progress
    python -m tests.crash --seeds 17 --into local       one trial into a directory; others: sftp, s3, moto, two,
                                                        and sealed-local, sealed-vault, sealed-sftp, sealed-s3;
                                                        files put together: packed-local, grouped-local …

A seed decides candidates, faults and moments; the ids, and which thread wins a race, no seed decides.
"""

"""ZFS, by its own program: what datasets and snapshots there are, streams of them, and what is received of such."""

from glacier_backup.zfs.listing import Dataset as Dataset
from glacier_backup.zfs.names import dataset_fault as dataset_fault
from glacier_backup.zfs.program import Zfs as Zfs
from glacier_backup.zfs.receiving import Receiving as Receiving
from glacier_backup.zfs.sending import Sending as Sending
from glacier_backup.zfs.sending import SendOptions as SendOptions

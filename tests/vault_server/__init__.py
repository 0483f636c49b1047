"""A strict Amazon Glacier vault server for tests: real HTTP on loopback, in a process of its own.

It refuses what the API reference refuses (signatures, checksums, the grid of parts, descriptions, ranges) and
keeps what it took in a plain directory that a test can read. It shares no code with the product. On request it meets
clients with faults by a seed or a list (`fault_plan`, `fault_reading`, `faults`), and it survives being killed.

Two references are cited where a rule is checked: "botocore" is `glacier/2012-06-01/service-2.json` of the installed
botocore (operation or shape named); "developer guide" is the Amazon Glacier Developer Guide, API version 2012-06-01
(page named), for what the first leaves open.
"""

from .process import VaultServer
from .stored import OpenUpload, StoredArchive

__all__ = ["OpenUpload", "StoredArchive", "VaultServer"]

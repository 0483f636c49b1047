"""What a server that was killed left half done, finished by the next one on the same root.

An archive is there once its document is: from then on the upload named in it is complete. An upload is over once it
is remembered as such. What else a killed server left (a part half written, a beginning without its document) is seen
by nobody.
"""

from __future__ import annotations

from . import disk
from .completion import outcome_of
from .context import Context


def recover(context: Context) -> None:
    """Close the uploads that were completed or aborted, but still have files."""
    for vault in context.vaults.names():
        left = context.uploads.all(vault)
        made = _archives_by_upload(context, vault) if left else {}
        for upload in left:
            if context.uploads.finished(vault, upload.id):
                context.uploads.remove(upload)
            elif upload.id in made:
                context.vaults.note_write(vault)
                with upload.lock:
                    context.uploads.close(vault, upload, outcome_of(made[upload.id]))


def _archives_by_upload(context: Context, vault: str) -> dict[str, dict[str, object]]:
    documents = map(disk.read_json, (context.vaults.require(vault) / "archives").glob("*.json"))
    return {document["upload"]: document for document in documents if document and document.get("upload")}

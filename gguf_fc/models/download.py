"""Models from the Hub, and those already in its cache.  The one door to huggingface_hub.

Theory of operation.  The cache has huggingface_hub's own layout, so every tool finds what another
one fetched.  huggingface_hub throws a partial file away when a download ends early; a model is too
large for that.  So the content is fetched here, into a partial file named after the content's hash
that stays until it is complete, and huggingface_hub then files it.  For this a few of its parts
are used that it does not document: ``tests/models/test_huggingface_hub.py`` lists them, and fails
where a release has changed one.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from huggingface_hub import HfApi, constants, get_hf_file_metadata, hf_hub_url
from huggingface_hub.errors import (  # type: ignore[attr-defined]  # HTTPError: the library's own
    FileMetadataError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    HTTPError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
)
from huggingface_hub.file_download import HfFileMetadata, http_get, repo_folder_name
from huggingface_hub.utils import (  # type: ignore[attr-defined]  # exported by name, lazily
    WeakFileLock,
    build_hf_headers,
)

from gguf_fc.errors import DownloadError
from gguf_fc.models.context_size import size_text
from gguf_fc.models.hub_reference import HubReference, choose, fitting_models, models_in

_SHA256 = re.compile(r"[0-9a-f]{64}")
_HASH_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class CachedModel:
    """A model in the cache."""

    repo: str
    file: str
    path: Path
    n_bytes: int  # of its first part


@dataclass(frozen=True, slots=True)
class Hub:
    """A Hub and the folder where its files are kept."""

    endpoint: str = constants.ENDPOINT
    cache_dir: Path = Path(constants.HF_HUB_CACHE)

    def find_cached(self, reference: HubReference) -> Path | None:
        """The newest file of *reference* in the cache, the first part of a split one.

        Never touches the network.  Raises DownloadError if it is ambiguous or incomplete.
        """
        for snapshot in self._snapshots(reference.repo):
            files = _files_in(snapshot)
            if fitting_models(reference.wanted, models_in(files)):
                return snapshot / choose(reference, files)[0]
        return None

    def cached(self) -> Iterator[CachedModel]:
        """All models in the cache."""
        for folder in sorted(self.cache_dir.glob("models--*--*")):
            repo = folder.name.removeprefix("models--").replace("--", "/", 1)
            seen: set[str] = set()
            for snapshot in self._snapshots(repo):
                for file in models_in(_files_in(snapshot)):
                    path = snapshot / file
                    if file not in seen and path.is_file():
                        seen.add(file)
                        yield CachedModel(repo, file, path, path.stat().st_size)

    def pull(self, reference: HubReference) -> Path:
        """Fetch *reference* into the cache, going on where an earlier attempt stopped.

        Shows progress bars on a terminal.  Returns the first file.  Raises DownloadError.
        """
        with _explained(reference, self.endpoint):
            info = HfApi(endpoint=self.endpoint).model_info(reference.repo)
            files = choose(reference, [item.rfilename for item in info.siblings or ()])
            paths = [self._fetch(reference.repo, file, info.sha or "main") for file in files]
        return paths[0]

    def _fetch(self, repo: str, file: str, revision: str) -> Path:
        url = hf_hub_url(repo, file, revision=revision, endpoint=self.endpoint)
        metadata = get_hf_file_metadata(url, endpoint=self.endpoint, retry_on_errors=True)
        if metadata.etag and metadata.size and metadata.size <= constants.MAX_HTTP_DOWNLOAD_SIZE:
            self._fetch_content(repo, url, metadata)
        # What is there already is only filed; what is too large for plain HTTP is fetched.
        found = HfApi(endpoint=self.endpoint).hf_hub_download(
            repo, file, revision="main", cache_dir=self.cache_dir
        )
        return Path(found)

    def _fetch_content(self, repo: str, url: str, metadata: HfFileMetadata) -> None:
        """Make sure that the content is among the cache's blobs."""
        folder = repo_folder_name(repo_id=repo, repo_type="model")
        blob = self.cache_dir / folder / "blobs" / str(metadata.etag)
        lock = self.cache_dir / ".locks" / folder / f"{metadata.etag}.lock"
        blob.parent.mkdir(parents=True, exist_ok=True)
        lock.parent.mkdir(parents=True, exist_ok=True)
        with WeakFileLock(lock):
            if not blob.exists():
                partial = blob.with_name(f"{blob.name}.gguf-fc.incomplete")
                _download(url, partial, metadata)
                partial.replace(blob)

    def _snapshots(self, repo: str) -> list[Path]:
        """The folders of the revisions in the cache: the main one, then the newest."""
        folder = self.cache_dir / repo_folder_name(repo_id=repo, repo_type="model")
        main = folder / "refs" / "main"
        commit = main.read_text().strip() if main.is_file() else None
        snapshots = [path for path in folder.glob("snapshots/*") if path.is_dir()]
        return sorted(snapshots, key=lambda path: (path.name != commit, -path.stat().st_mtime))


def find_cached(reference: HubReference) -> Path | None:
    """``Hub.find_cached`` on the cache of this environment."""
    return Hub().find_cached(reference)


def _files_in(snapshot: Path) -> list[str]:
    """Files by their name in the repository; a link whose content is gone is none."""
    return [
        path.relative_to(snapshot).as_posix() for path in snapshot.rglob("*.gguf") if path.is_file()
    ]


def _download(url: str, partial: Path, metadata: HfFileMetadata) -> None:
    size = metadata.size or 0
    done = partial.stat().st_size if partial.exists() else 0
    if done > size:
        partial.unlink()
        done = 0
    free = shutil.disk_usage(partial.parent).free
    if free < size - done:
        raise DownloadError(
            f"{partial.parent}: {size_text(size - done)} are needed and {size_text(free)} are "
            "free; make room or set HF_HOME to a folder on another disk."
        )
    with partial.open("ab") as file:
        http_get(
            url,
            file,
            resume_size=done,
            headers=build_hf_headers(),
            expected_size=size,
            displayed_filename=url.rpartition("/")[2],
        )
    if done:
        _check_hash(partial, str(metadata.etag))


def _check_hash(partial: Path, etag: str) -> None:
    """A file put together over several runs is compared with its hash, where the Hub gives one."""
    if not _SHA256.fullmatch(etag):
        return
    with partial.open("rb") as file:
        if _sha256(file) == etag:
            return
    partial.unlink()
    raise DownloadError("The resumed download is damaged and was removed; run the command again.")


def _sha256(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(_HASH_CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


@contextmanager
def _explained(reference: HubReference, endpoint: str) -> Iterator[None]:
    """Turn what huggingface_hub raises into one line that says what to do."""
    again = "run the same command again, it goes on where it stopped"
    try:
        yield
    except GatedRepoError as error:
        raise DownloadError(
            f"{reference.repo} is gated: accept its licence at {endpoint}/{reference.repo} and "
            "log in with 'hf auth login' or set HF_TOKEN."
        ) from error
    except RepositoryNotFoundError as error:
        raise DownloadError(
            f"{reference.repo}: there is no such model on {endpoint}, or it is private; check the "
            "name, or log in with 'hf auth login' or set HF_TOKEN."
        ) from error
    except OfflineModeIsEnabled as error:
        raise DownloadError(f"{reference}: HF_HUB_OFFLINE is set; unset it to download.") from error
    except HFValidationError as error:
        raise DownloadError(f"{reference.repo} is not a valid name for a model.") from error
    except (HfHubHTTPError, FileMetadataError) as error:
        raise DownloadError(f"{reference}: {endpoint} answered: {_one_line(error)}") from error
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else _one_line(error)
        raise DownloadError(f"{reference}: {reason}; {again}.") from error
    except HTTPError as error:
        raise DownloadError(
            f"{reference}: {endpoint} is out of reach ({_one_line(error)}); {again}."
        ) from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())

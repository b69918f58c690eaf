"""Check many drawn pets (or a folder) in one go: photos a second, time of a core a photo, and how flat memory stays.

    python tests/bench/check.py [FOLDER] [--sample-size 10000]

Drawing 10,000 pets takes minutes the first time; they are kept in the cache. Seconds depend on the machine and on who else
uses it; processor time a photo is steadier. "beyond decoding" is what the checks add to opening the photos.
"""

from __future__ import annotations

import argparse
import resource
import time
from pathlib import Path

from petbreeds.data.checks import check_data
from petbreeds.data.findings import summarise
from petbreeds.data.measures import measure_photos
from petbreeds.data.photos import find_photos, open_photo
from petbreeds.data.sample import cached_sample
from petbreeds.progress import progress, progress_counter


def peak_mebibytes() -> float:
    """Return the most memory this process has held so far (Linux counts in KiB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def decoding_seconds(folder: Path, n: int = 200) -> float:
    """Return the processor time of opening one photo, the mean of n."""
    photos = find_photos(folder)
    chosen = photos[:: max(1, len(photos) // n)]
    began = time.process_time()
    for photo in chosen:
        open_photo(photo)
    return (time.process_time() - began) / len(chosen)


def main() -> None:
    """Measure a tenth, then check all: memory must hardly grow with the number of photos."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--sample-size", type=int, default=10_000)
    options = parser.parse_args()
    drawn = lambda pictures, total: progress(pictures, total, "pets drawn")  # noqa: E731
    folder = options.folder or cached_sample(options.sample_size, progress=drawn)
    decoding = decoding_seconds(folder)
    photos = [str(photo) for photo in find_photos(folder)]
    measure_photos(photos[: len(photos) // 10])
    before, began = peak_mebibytes(), time.process_time()
    table = check_data(folder, progress=progress_counter("photos checked"))
    n, seconds = table.attrs["photos"], table.attrs["seconds"]
    used = (time.process_time() - began) / n
    print(summarise(table))
    print(f"{n:,} photos in {seconds:.1f} s: {n / seconds:.0f} photos/s")
    print(f"one core: {1000 * used:.2f} ms a photo, {1000 * (used - decoding):.2f} ms of it beyond decoding")
    print(f"memory: {before:.0f} MiB for a tenth of them, {peak_mebibytes():.0f} MiB at the most")


if __name__ == "__main__":
    main()

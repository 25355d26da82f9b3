"""The framing of TFRecord files, checked before TensorFlow reads them.

A record is the length of its data, a checksum of the length, the data, and a checksum of the data.
TensorFlow allocates whatever length a header claims, waits for the writer of a pipe, and accepts a
file that ends within a header. Therefore each header is compared with the file first.
"""

from __future__ import annotations

import dataclasses
import gzip
import math
import os
import struct
import zlib
from typing import BinaryIO

import tensorflow as tf

from data.errors import DataError
from ibc_agents.core import files

_HEADER = struct.Struct("<QI")  # length of the data, checksum of these eight bytes
_FOOTER_BYTES = 4
_GZIP_MAGIC = b"\x1f\x8b"


@dataclasses.dataclass(frozen=True)
class RecordFile:
    """A TFRecord file whose headers fit it; see `scan`.

    Attributes:
        path: Path of the file.
        compression: Compression of the whole file, as `tf.data.TFRecordDataset` names it.
        num_records: Number of records, at least 1.
        largest_bytes: Length of the longest record, in bytes.
    """

    path: str
    compression: str
    num_records: int
    largest_bytes: int

    def records(self) -> tf.data.Dataset:
        """Returns a dataset of the records, strings []. Reading it checks their checksums."""
        return tf.data.TFRecordDataset(self.path, self.compression)


def scan(path: str | os.PathLike, max_record_bytes: int) -> RecordFile:
    """Reads the headers of a TFRecord file, which gzip may have compressed.

    Args:
        path: Path of the file.
        max_record_bytes: Largest accepted length of a record.

    Raises:
        DataError: If the file cannot be read, is not a regular file, contains no record, ends
            within a record, or contains a record of more than `max_record_bytes`.
    """
    path = os.fspath(path)
    num_records = largest_bytes = end = 0
    try:
        with files.open_file(path) as file:
            is_compressed = _is_compressed(file)
            num_bytes = math.inf if is_compressed else os.fstat(file.fileno()).st_size
            stream = gzip.GzipFile(fileobj=file) if is_compressed else file
            while header := stream.read(_HEADER.size):
                if len(header) < _HEADER.size:
                    raise _cut_off(path, num_records)
                length, _ = _HEADER.unpack(header)
                end += _HEADER.size + length + _FOOTER_BYTES
                # Zeros, of which a power failure leaves many, claim an empty record each.
                is_possible = 0 < length <= max_record_bytes or length == 0 and _is_header(header)
                # Only a compressed file has an end at which its reader stops.
                if not is_possible or end > num_bytes or stream.seek(end) != end:
                    raise _unreadable(path, num_records, header, max_record_bytes)
                num_records, largest_bytes = num_records + 1, max(largest_bytes, length)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(
            f"{path}: record {num_records} cannot be decompressed: the gzip file is damaged. Copy "
            "or write it again."
        ) from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}).") from error
    if not num_records:
        raise DataError(f"{path}: the file contains no record; remove it or write it again.")
    return RecordFile(path, "GZIP" if is_compressed else "", num_records, largest_bytes)


def corrupt(path: str, record: int) -> DataError:
    """Returns the error to raise if a record does not match its checksum."""
    return DataError(
        f"{path}: record {record} is corrupt: its checksum does not match. Copy or write the file "
        "again."
    )


def _cut_off(path: str, record: int) -> DataError:
    return DataError(
        f"{path}: record {record} is cut off: the file is truncated. Copy or write the file again."
    )


def _unreadable(path: str, record: int, header: bytes, max_record_bytes: int) -> DataError:
    """Returns the error to raise for a record that is too long for its file, or for any frame."""
    length, _ = _HEADER.unpack(header)
    if not _is_header(header):
        return corrupt(path, record)
    if length > max_record_bytes:
        return DataError(
            f"{path}: record {record} claims {length} bytes; at most {max_record_bytes} can be "
            "meant. Write the file again."
        )
    return _cut_off(path, record)


def _is_compressed(file: BinaryIO) -> bool:
    """Returns whether a file is compressed by gzip, and leaves it at its start."""
    start = file.read(_HEADER.size)
    file.seek(0)
    # A length can have the bytes of gzip's magic number; then its checksum matches.
    return start.startswith(_GZIP_MAGIC) and not _is_header(start)


def _is_header(data: bytes) -> bool:
    """Returns whether the checksum of a header matches."""
    if len(data) < _HEADER.size:
        return False
    _, checksum = _HEADER.unpack(data)
    return checksum == masked_crc32c(data[:8])


def masked_crc32c(data: bytes) -> int:
    """Returns the checksum of TFRecord files: CRC-32C, rotated, plus a constant."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF

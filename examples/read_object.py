#!/usr/bin/env python3
"""Writes the value of one object to stdout. It needs only Python 3, and follows docs/format.md.

Usage: read_object.py DIRECTORY KEY
Exit status: 0 done, 1 absent or expired, 2 wrong usage, 3 anything that went wrong.
"""
import hashlib, json, os, struct, sys, time, zlib


def require(holds, problem):
    if not holds:
        raise ValueError(problem)


def read_object(root, key):
    marker_path = os.path.join(root, "linkstore.json")
    with open(marker_path, "rb") as file:
        marker = json.load(file)
    require(isinstance(marker, dict) and marker.get("store") == "linkstore", "this is no store")
    require(marker.get("version") == 1, "the store has a newer version than 1")
    require(marker.get("format") in ("envelope", "raw"), "the store has an unknown format")
    digits = hashlib.sha256(key).hexdigest()
    path = os.path.join(root, digits[:2], digits[2:4], digits[4:])
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            data = file.read()
    except FileNotFoundError:
        os.stat(marker_path)  # Fails if the volume has gone: then it is not known to be absent.
        return None
    return data if marker["format"] == "raw" else open_envelope(data, key)


def open_envelope(data, key):
    require(len(data) >= 72 and data[-8:] == b"LINKSTOR", "the file is no object, or cut short")
    (_, value_size, _, expires, value_crc, key_size, attributes_size, host_size, version, flags,
     footer_size, footer_crc, _) = struct.unpack("<16sQQQIIIHBBII8s", data[-72:])
    require(72 <= footer_size <= min(len(data), 262144), "the length of the footer is impossible")
    footer = data[-footer_size:]
    require(zlib.crc32(footer[:-12]) == footer_crc, "the crc32 of the footer does not match")
    require((version, flags) == (1, 0), "the object has a newer version than 1")
    require(key_size + host_size + attributes_size + 72 == footer_size, "the lengths do not fit")
    require(value_size + footer_size == len(data), "the file is not as long as it should be")
    require(footer[:key_size] == key, "the object is that of another key")
    require(zlib.crc32(data[:value_size]) == value_crc, "the crc32 of the value does not match")
    return None if 0 < expires <= time.time() * 1000 else data[:value_size]


if __name__ == "__main__":
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    try:
        value = read_object(sys.argv[1], os.fsencode(sys.argv[2]))
    except (OSError, ValueError) as error:
        print(f"read_object.py: {error}", file=sys.stderr)
        sys.exit(3)
    sys.stdout.buffer.write(value or b"")
    sys.exit(1 if value is None else 0)

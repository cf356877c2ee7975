"""Reads what a killed gateway left of its record: rows that are there, and no word of being complete.

usage: read_part.py RECORD COMPLETE   prints the number of requests
"""
import sys

import h5py


def main(path, complete):
    with h5py.File(path, "r", swmr=complete == "0") as record:
        assert record.attrs["complete"] == int(complete), record.attrs["complete"]
        assert record.attrs["format"] == b"phoenix-run" and record.attrs["world"] == b"live"
        requests = record["requests"][:]
        assert all(requests["result"] < 255)
        assert len(record["windows"]) > 0 and len(record["nodes"]) > 0
        print(len(requests))


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Reads a finished record as any Python user would, without options, and checks what it promises.

usage: read_with_h5py.py RECORD TABLE=ROWS...
"""
import sys

import h5py
import numpy


def check_columns(table):
    units = dict(part.split("=", 1) for part in text(table.attrs["units"]).split(";"))
    assert list(units) == list(table.dtype.names), (table.name, units)
    for column in table.dtype.names:
        assert text(table.attrs["units." + column]) == units[column] != "", (table.name, column)
    for attribute in ("class", "description", "row", "missing"):
        assert text(table.attrs[attribute]), (table.name, attribute)
    assert table.attrs["rows"] == len(table), table.name


def text(value):
    return value.decode("utf-8")


def main(path, *expected):
    with h5py.File(path, "r") as record:
        root = record.attrs
        assert root["complete"] == 1
        assert text(root["format"]) == "phoenix-run" and text(root["format_version"]) == "1.1"
        assert root["master_seed"] == 0xFEDCBA9876543210 and root["replication"] == 3
        assert text(root["scenario"]) == 'name = "small"  # \u00e4\n'
        assert text(root["overrides"]) == "seed=9\nstrategies.balancer=p2c"
        assert text(root["t0_utc"]).endswith("Z") and root["warmup_s"] == 5.0
        assert [text(name) for name in record["names/classes"][:]] == ["checkout", "browse"]
        assert [text(name) for name in record["names/nodes"][:]] == ["new-0", "new-1"]
        for pair in expected:
            name, rows = pair.split("=")
            check_columns(record[name])
            assert len(record[name][:]) == int(rows), (name, len(record[name]))
        assert {pair.split("=")[0] for pair in expected} | {"names"} == set(record)
        windows = record["windows"][:]
        assert numpy.isnan(windows["p99"][0]) and windows["p95"][0] == numpy.float32(0.25)
        request = record["requests"][0]
        assert request["seq"] == 42 and request["node"] == -1 and request["key"] == 2**64 - 1
        assert text(record["decisions"]["subject"][0]) == "node:3"
        assert "255=under_way" in text(record["requests"].attrs["values.result"])


if __name__ == "__main__":
    main(*sys.argv[1:])

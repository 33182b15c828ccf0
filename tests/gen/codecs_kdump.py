# SPDX-License-Identifier: GPL-2.0-or-later
"""Packs and unpacks one page of a kdump-compressed file: zlib from Python, the others from their C libraries."""

import ctypes
import zlib

ZLIB, LZO, SNAPPY, ZSTD = 0x1, 0x2, 0x4, 0x20
NAMES = {ZLIB: "zlib", LZO: "lzo", SNAPPY: "snappy", ZSTD: "zstd"}


class CodecError(Exception):
    """A library is missing or a page does not decompress."""


def _library(name, package):
    try:
        return ctypes.CDLL(name)
    except OSError:
        raise CodecError(f"cannot load {name}; on Debian it is in the package {package}") from None


def _zlib():
    def decompress(data, size):
        try:
            return zlib.decompress(data, bufsize=size)
        except zlib.error as problem:
            raise CodecError(f"zlib: {problem}") from None
    return decompress


def _lzo():
    function = _library("liblzo2.so.2", "liblzo2-2").lzo1x_decompress_safe
    function.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_void_p, ctypes.POINTER(ctypes.c_size_t),
                         ctypes.c_void_p]

    def decompress(data, size):
        output, length = ctypes.create_string_buffer(size), ctypes.c_size_t(size)
        code = function(data, len(data), output, ctypes.byref(length), None)
        if code:
            raise CodecError(f"lzo: error {code}")
        return output.raw[:length.value]
    return decompress


def _snappy():
    function = _library("libsnappy.so.1", "libsnappy1v5").snappy_uncompress
    function.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_void_p, ctypes.POINTER(ctypes.c_size_t)]

    def decompress(data, size):
        output, length = ctypes.create_string_buffer(size), ctypes.c_size_t(size)
        code = function(data, len(data), output, ctypes.byref(length))
        if code:
            raise CodecError(f"snappy: error {code}")
        return output.raw[:length.value]
    return decompress


def _zstd():
    library = _library("libzstd.so.1", "libzstd1")
    function, is_error = library.ZSTD_decompress, library.ZSTD_isError
    function.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t]
    function.restype = ctypes.c_size_t
    is_error.argtypes, is_error.restype = [ctypes.c_size_t], ctypes.c_uint

    def decompress(data, size):
        output = ctypes.create_string_buffer(size)
        length = function(output, size, data, len(data))
        if is_error(length):
            raise CodecError("zstd: damaged frame")
        return output.raw[:length]
    return decompress


_OPENERS = {ZLIB: _zlib, LZO: _lzo, SNAPPY: _snappy, ZSTD: _zstd}
_open = {}


def decompress(method, data, size):
    """The page of `size` bytes behind `data`; libraries are loaded when first needed."""
    if method not in _OPENERS:
        raise CodecError(f"unknown compression flags {method:#x}")
    if method not in _open:
        _open[method] = _OPENERS[method]()
    page = _open[method](data, size)
    if len(page) != size:
        raise CodecError(f"{NAMES[method]}: {len(page)} bytes instead of {size}")
    return page


def compress(method, page):
    """A page packed by `method`; may be longer than the page."""
    if method == ZLIB:
        return zlib.compress(page, 1)
    output = ctypes.create_string_buffer(2 * len(page) + 1024)
    length = ctypes.c_size_t(len(output))
    if method == LZO:
        function = _library("liblzo2.so.2", "liblzo2-2").lzo1x_1_compress
        work = ctypes.create_string_buffer(16384 * ctypes.sizeof(ctypes.c_void_p))
        code = function(page, ctypes.c_size_t(len(page)), output, ctypes.byref(length), work)
    elif method == SNAPPY:
        function = _library("libsnappy.so.1", "libsnappy1v5").snappy_compress
        code = function(page, ctypes.c_size_t(len(page)), output, ctypes.byref(length))
    else:
        library = _library("libzstd.so.1", "libzstd1")
        library.ZSTD_compress.restype = ctypes.c_size_t
        length.value = library.ZSTD_compress(output, length, page, ctypes.c_size_t(len(page)), 1)
        code = library.ZSTD_isError(length)
    if code:
        raise CodecError(f"{NAMES[method]}: error {code}")
    return output.raw[:length.value]

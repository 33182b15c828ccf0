#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs a command with its output and errors on a terminal, shows what it wrote there, and exits as it does."""
import ctypes
import fcntl
import os
import struct
import subprocess
import sys
import tempfile

TIOCGPTN = 0x80045430
TIOCSPTLCK = 0x40045431


def own_terminal():
    """A bare chroot has no terminals: mounts some for itself, which takes root."""
    libc = ctypes.CDLL(None, use_errno=True)
    folder = tempfile.mkdtemp()
    if libc.mount(b"devpts", folder.encode(), b"devpts", 0, b"newinstance,ptmxmode=0666"):
        sys.exit(f"no terminals here, and none can be mounted: {os.strerror(ctypes.get_errno())}")
    try:
        master = os.open(folder + "/ptmx", os.O_RDWR | os.O_NOCTTY)
        number = struct.unpack("i", fcntl.ioctl(master, TIOCGPTN, bytes(4)))[0]
        fcntl.ioctl(master, TIOCSPTLCK, struct.pack("i", 0))
        return master, os.open(f"{folder}/{number}", os.O_RDWR | os.O_NOCTTY)
    finally:
        libc.umount2(folder.encode(), 2)    # MNT_DETACH: goes away with its last terminal
        os.rmdir(folder)


def main():
    try:
        master, slave = os.openpty()
    except OSError:
        master, slave = own_terminal()
    with subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=slave, stderr=slave) as child:
        os.close(slave)
        while True:
            try:
                data = os.read(master, 65536)
            except OSError:     # how a terminal says that nobody writes any more
                break
            if not data:
                break
            sys.stdout.buffer.write(data)
        status = child.wait()
    sys.stdout.flush()
    return status


if __name__ == "__main__":
    sys.exit(main())

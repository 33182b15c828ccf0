/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Will hold the source of facts, types and symbols from the debug information of vmlinux and modules. */

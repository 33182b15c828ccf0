/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Will hold the sadump memory source: single partitions, disk sets and media backups. */

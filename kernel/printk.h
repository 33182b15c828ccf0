/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's own log (what dmesg shows), found in its memory and turned into lines of text. */
#ifndef KERNEL_PRINTK_H
#define KERNEL_PRINTK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/err.h"

struct kernel;
struct printk;

/* Takes the next bytes of the text; what it returns ends the log unless it is OK. */
typedef enum status printk_put_fn(void *data, const char *text, size_t len, struct err *e);

/*
 * Finds the log of `k`, which must outlive it.  E_MISSING: a fact about the log is not known; E_UNREADABLE and
 * E_FORMAT: what describes the log cannot be read, or cannot be right.  Needs no struct page.
 */
enum status printk_open(struct printk **p, const struct kernel *k, struct err *e) MUST_CHECK;
void printk_close(struct printk *p);
DEFINE_AUTO(printk);

/*
 * Hands the log to `put` piece by piece, oldest message first; with `since_clear` only what was logged after the log
 * was last cleared, as far as the kernel tells.  Text of kernels before 3.5 is as it is in memory; later ones get
 * "[SSSSS.UUUUUU] ", perhaps the caller, and bytes that are not text as \xNN.  E_FORMAT: the log is damaged; all that
 * could be read of it has been put.  Other errors are those of `put`.
 */
enum status printk_write(struct printk *p, bool since_clear, printk_put_fn *put, void *data, struct err *e) MUST_CHECK;

#endif

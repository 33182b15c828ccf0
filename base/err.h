/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Errors: a small status for code, and a text that grows from the cause to its context for people. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdarg.h>
#include <stddef.h>

enum status {
	OK = 0,
	E_USAGE,       /* the command line asks for something impossible */
	E_IO,	       /* a system call on a file failed */
	E_NOSPACE,     /* no room for the output: ENOSPC, EDQUOT, EFBIG */
	E_NOMEM,       /* memory is gone */
	E_FORMAT,      /* a file is not what it claims to be */
	E_MISSING,     /* a kernel fact is not known */
	E_UNREADABLE,  /* bytes of the dumped memory cannot be read */
	E_UNSUPPORTED, /* known, but not in this build */
	E_MISMATCH,    /* a file about the kernel is about another kernel */
	E_INCOMPLETE,  /* the dump was written, but pages are missing in it */
};

struct err {
	enum status status;
	int sys_errno;	/* errno of the cause, 0 where there is none */
	char text[480]; /* fixed size: must work when memory is gone */
};

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

/* Sets status and text; returns `status`, so that failing is one statement. */
enum status err_set(struct err *e, enum status status, const char *fmt, ...) PRINTF_LIKE(3, 4);

/*
 * As err_set() for a failed system call: appends ": " and the text of errno.  A status of E_IO
 * becomes E_NOSPACE where errno says that there is no room.
 */
enum status err_sys(struct err *e, enum status status, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Puts context in front of the text that is there: "CONTEXT: cause".  Returns the status that is there. */
enum status err_add(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* The one text for a failed allocation of `bytes`. */
enum status err_nomem(struct err *e, size_t bytes);

#endif

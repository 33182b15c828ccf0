/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Building error texts without allocating. */
#include "base/err.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum status err_set(struct err *e, enum status status, const char *fmt, ...)
{
	va_list ap;

	e->status = status;
	e->sys_errno = 0;
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	return status;
}

static bool errno_means_no_space(int n)
{
	return n == ENOSPC || n == EDQUOT || n == EFBIG;
}

enum status err_sys(struct err *e, enum status status, const char *fmt, ...)
{
	int saved = errno;
	size_t len;
	va_list ap;

	if (status == E_IO && errno_means_no_space(saved))
		status = E_NOSPACE;
	e->status = status;
	e->sys_errno = saved;
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	len = strlen(e->text);
	snprintf(e->text + len, sizeof(e->text) - len, ": %s", strerror(saved));
	errno = saved;
	return status;
}

enum status err_add(struct err *e, const char *fmt, ...)
{
	char context[sizeof(e->text)];
	size_t len, cause = strlen(e->text);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(context, sizeof(context), fmt, ap);
	va_end(ap);
	len = strlen(context);
	if (len + 2 >= sizeof(e->text))
		return e->status;
	/* the cause stands last and is cut first when both do not fit */
	if (len + 2 + cause >= sizeof(e->text))
		cause = sizeof(e->text) - len - 3;
	memmove(e->text + len + 2, e->text, cause);
	e->text[len + 2 + cause] = '\0';
	memcpy(e->text, context, len);
	memcpy(e->text + len, ": ", 2);
	return e->status;
}

enum status err_nomem(struct err *e, size_t bytes)
{
	return err_set(e, E_NOMEM, "out of memory (%zu bytes wanted)", bytes);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Scope guards: AUTO(thing) calls thing_close() on the pointer when it leaves its scope (NULL is fine). */
#ifndef BASE_CLEANUP_H
#define BASE_CLEANUP_H

#include <stdlib.h>

/* Declares the guard of `struct name`; place it beside the prototype of name_close(). */
#define DEFINE_AUTO(name)                                         \
	static inline void name##_auto_close(struct name **p)     \
	{                                                         \
		if (*p)                                           \
			name##_close(*p);                         \
	}                                                         \
	struct name

#define AUTO(name) __attribute__((cleanup(name##_auto_close))) struct name

static inline void auto_free_ptr(void *p)
{
	free(*(void **)p);
}
#define AUTO_FREE __attribute__((cleanup(auto_free_ptr)))

#endif

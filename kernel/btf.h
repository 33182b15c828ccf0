/* SPDX-License-Identifier: GPL-2.0-or-later */
/* C types from BTF, the compact form that kernels carry since 5.2. */
#ifndef KERNEL_BTF_H
#define KERNEL_BTF_H

#include "base/err.h"
#include "kernel/types.h"

/*
 * Answers what is open of the questions about types.  BTF has all types of a kernel: what it does not know does not
 * exist and is settled, too.  Variables it does not have.  Of several types with one name the one that answers most
 * counts.  E_FORMAT: it is broken, and nothing is answered.
 */
enum status btf_answer(const uint8_t *data, size_t len, struct type_questions *qs, struct err *e) MUST_CHECK;

#endif

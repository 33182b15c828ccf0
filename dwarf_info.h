/* SPDX-License-Identifier: GPL-2.0-or-later */
/* C types from DWARF, through libdw. */
#ifndef DWARF_INFO_H
#define DWARF_INFO_H

#include "base/err.h"
#include "kernel/types.h"

struct Elf; /* libelf's */

/*
 * Answers what is open of the questions from the debug information of `elf`, versions 2 to 5, which has to be linked:
 * nothing is relocated.  Units that are likely to know are asked first, and the search ends when nothing is open.
 * Types that the memory management does not have do not exist, unless `everywhere` asks for all units.  E_FORMAT: there
 * is no debug information, or it is broken from its beginning; what is broken later is left out.
 */
enum status dwarf_answer(struct Elf *elf, struct type_questions *qs, bool everywhere, struct err *e) MUST_CHECK;

#endif

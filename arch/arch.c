/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list of machines. */
#include "arch/arch.h"

static const struct arch_ops *const machines[] = { &arch_x86_64 };

const struct arch_ops *arch_find(unsigned elf_machine, bool elf64, bool big_endian)
{
	for (size_t i = 0; i < ARRAY_SIZE(machines); i++)
		if (machines[i]->elf_machine == elf_machine && machines[i]->elf64 == elf64 &&
		    machines[i]->big_endian == big_endian)
			return machines[i];
	return NULL;
}

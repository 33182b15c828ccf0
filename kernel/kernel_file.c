/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a file beside the dump tells of a kernel. */
#include "kernel/kernel_file.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "makedumpfile.h"

/* The kernel's own text is at most a page; one with a few comments is still far below. */
#define TEXT_MAX ((size_t)1 << 20)

static enum status read_whole(const char *path, char **text, size_t *len, struct err *e)
{
	FILE *f = fopen(path, "re");
	AUTO_FREE char *buf = NULL;
	bool bad;

	if (!f)
		return err_sys(e, E_IO, "%s", path);
	buf = malloc(TEXT_MAX);
	*len = buf ? fread(buf, 1, TEXT_MAX, f) : 0;
	bad = ferror(f);
	if (!buf)
		err_nomem(e, TEXT_MAX);
	else if (bad)
		err_sys(e, E_IO, "%s", path);
	fclose(f);
	if (!buf || bad)
		return e->status;
	if (*len == TEXT_MAX)
		return err_set(e, E_FORMAT, "%s is no VMCOREINFO text: it has more than %zu bytes", path, TEXT_MAX - 1);
	*text = buf;
	buf = NULL;
	return OK;
}

void kernel_file_build_id(const struct vmcoreinfo *text, char id[BUILD_ID_TEXT_MAX])
{
	const char *value;
	size_t len;

	id[0] = '\0';
	if (!vmcoreinfo_find(text, "BUILD-ID", &value, &len) || len >= BUILD_ID_TEXT_MAX)
		return;
	for (size_t i = 0; i < len; i++) {
		if (!isxdigit((unsigned char)value[i]))
			len = i;
		else
			id[i] = (char)tolower((unsigned char)value[i]);
	}
	id[len] = '\0';
}

/* How far a kernel says that it was moved. */
static bool kernel_offset(const struct vmcoreinfo *text, uint64_t *offset)
{
	const char *value;
	size_t len;

	return vmcoreinfo_find(text, "KERNELOFFSET", &value, &len) && text_to_u64(value, len, 16, offset);
}

enum status kernel_file_read_text(struct kernel_file *f, const char *path, struct err *e)
{
	AUTO_FREE char *bytes = NULL;
	struct vmcoreinfo text;
	struct fact_source source;
	const char *release;
	size_t len;

	*f = (struct kernel_file){ .path = path };
	if (read_whole(path, &bytes, &len, e))
		return e->status;
	text = vmcoreinfo_over(bytes, len);
	if (!vmcoreinfo_find(&text, "OSRELEASE", &release, &len))
		return err_set(e, E_FORMAT, "%s is no VMCOREINFO text: OSRELEASE is missing", path);
	if (!vmcoreinfo_decimal(&text, "PAGESIZE", &f->page_size))
		return err_set(e, E_FORMAT, "%s is no VMCOREINFO text: PAGESIZE is missing", path);
	snprintf(f->release, sizeof(f->release), "%.*s", (int)(len < RELEASE_MAX ? len : RELEASE_MAX - 1), release);
	kernel_file_build_id(&text, f->build_id);
	(void)kernel_offset(&text, &f->moved);
	source = vmcoreinfo_facts(&text);
	source.name = "file";
	facts_fill(&f->facts, &source, 1);
	return OK;
}

bool kernel_file_shift(const struct kernel_file *f, const struct facts *running, const struct vmcoreinfo *text,
		       uint64_t *shift)
{
	/* symbols whose value in the note is their address, whatever the kernel */
	static const enum fact_id both[] = { F_uts_ns, F_stext, F_root_table, F_old_utsname };
	uint64_t offset;

	for (size_t i = 0; i < ARRAY_SIZE(both); i++) {
		const struct fact *a = &running->of[both[i]], *b = &f->facts.of[both[i]];

		if (!a->known || !b->known || strcmp(a->name, b->name))
			continue;
		*shift = a->value - b->value;
		return true;
	}
	if (!kernel_offset(text, &offset))
		return false;
	*shift = offset - f->moved;
	return true;
}

void kernel_file_add_facts(const struct kernel_file *f, uint64_t shift, struct facts *to)
{
	for (size_t i = 0; i < N_FACTS; i++) {
		if (to->of[i].known || !f->facts.of[i].known)
			continue;
		to->of[i] = f->facts.of[i];
		if (fact_kind_of((enum fact_id)i) == FACT_SYMBOL)
			to->of[i].value += shift;
	}
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A linked ELF file, through libelf. */
#include "kernel/elf_file.h"

#include <fcntl.h>
#include <gelf.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static Elf_Scn *find_section(const struct elf_file *f, const char *name, GElf_Shdr *header)
{
	Elf_Scn *section = NULL;
	size_t names;

	if (elf_getshdrstrndx(f->elf, &names))
		return NULL;
	while ((section = elf_nextscn(f->elf, section))) {
		const char *its_name;

		if (!gelf_getshdr(section, header))
			continue;
		its_name = elf_strptr(f->elf, names, header->sh_name);
		if (its_name && !strcmp(its_name, name))
			return section;
	}
	return NULL;
}

bool elf_file_has_section(const struct elf_file *f, const char *name)
{
	GElf_Shdr header;

	return find_section(f, name, &header) && header.sh_type != SHT_NOBITS && header.sh_size;
}

bool elf_file_section(const struct elf_file *f, const char *name, const uint8_t **bytes, size_t *len)
{
	GElf_Shdr header;
	Elf_Scn *section = find_section(f, name, &header);
	Elf_Data *data;

	if (!section || header.sh_type == SHT_NOBITS || header.sh_flags & SHF_COMPRESSED)
		return false;
	data = elf_rawdata(section, NULL);
	if (!data || !data->d_buf || !data->d_size)
		return false;
	*bytes = data->d_buf;
	*len = data->d_size;
	return true;
}

/* A note of GNU, type 3, in any of the note sections. */
static void read_build_id(struct elf_file *f)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;

	while ((section = elf_nextscn(f->elf, section))) {
		size_t at = 0, name_at, desc_at;
		Elf_Data *data;
		GElf_Nhdr note;

		if (!gelf_getshdr(section, &header) || header.sh_type != SHT_NOTE ||
		    !(data = elf_getdata(section, NULL)))
			continue;
		while ((at = gelf_getnote(data, at, &note, &name_at, &desc_at))) {
			if (note.n_type != NT_GNU_BUILD_ID || note.n_namesz != sizeof("GNU") ||
			    memcmp((char *)data->d_buf + name_at, "GNU", sizeof("GNU")) || note.n_descsz > BUILD_ID_MAX)
				continue;
			memcpy(f->build_id, (char *)data->d_buf + desc_at, note.n_descsz);
			f->build_id_len = note.n_descsz;
			return;
		}
	}
}

enum status elf_file_open(struct elf_file **out, const char *path, struct err *e)
{
	AUTO(elf_file) *f = calloc(1, sizeof(*f));
	GElf_Ehdr header;
	struct stat st;

	if (!f)
		return err_nomem(e, sizeof(*f));
	/* nobody waits for the other end of a pipe */
	f->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (f->fd < 0 || fstat(f->fd, &st))
		return err_sys(e, E_IO, "%s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, E_FORMAT, "%s is no regular file", path);
	elf_version(EV_CURRENT);
	/* mapped, not read: of hundreds of MiB a few are looked at */
	f->elf = elf_begin(f->fd, ELF_C_READ_MMAP, NULL);
	if (!f->elf)
		return err_set(e, E_FORMAT, "%s: %s", path, elf_errmsg(-1));
	if (elf_kind(f->elf) != ELF_K_ELF || !gelf_getehdr(f->elf, &header))
		return err_set(e, E_FORMAT, "%s is no ELF file", path);
	if (header.e_type != ET_EXEC && header.e_type != ET_DYN)
		return err_set(e, E_FORMAT, "%s is no linked ELF file, but of type %u", path, header.e_type);
	f->machine = header.e_machine;
	f->is64 = header.e_ident[EI_CLASS] == ELFCLASS64;
	f->big_endian = header.e_ident[EI_DATA] == ELFDATA2MSB;
	read_build_id(f);
	*out = f;
	f = NULL;
	return OK;
}

void elf_file_close(struct elf_file *f)
{
	if (f->elf)
		elf_end(f->elf);
	if (f->fd >= 0)
		close(f->fd);
	free(f);
}

bool elf_file_symbols(const struct elf_file *f, elf_symbol_fn *tell, void *to)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	Elf_Data *data;

	while ((section = elf_nextscn(f->elf, section)))
		if (gelf_getshdr(section, &header) && header.sh_type == SHT_SYMTAB)
			break;
	if (!section || !(data = elf_getdata(section, NULL)))
		return false;
	for (int i = 1;; i++) {
		const char *name;
		GElf_Sym s;

		if (!gelf_getsym(data, i, &s))
			return i > 1;
		if (s.st_shndx == SHN_UNDEF || GELF_ST_TYPE(s.st_info) >= STT_SECTION || !s.st_value ||
		    !(name = elf_strptr(f->elf, header.sh_link, s.st_name)))
			continue;
		tell(to, name, s.st_value, s.st_size, GELF_ST_BIND(s.st_info) != STB_LOCAL);
	}
}

bool elf_file_bytes(const struct elf_file *f, uint64_t address, void *buf, size_t len)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	Elf_Data *data;

	while ((section = elf_nextscn(f->elf, section))) {
		if (!gelf_getshdr(section, &header) || !(header.sh_flags & SHF_ALLOC) || header.sh_type == SHT_NOBITS ||
		    address < header.sh_addr || address - header.sh_addr >= header.sh_size)
			continue;
		data = elf_rawdata(section, NULL);
		if (!data || !data->d_buf || address - header.sh_addr > data->d_size ||
		    len > data->d_size - (address - header.sh_addr))
			return false;
		memcpy(buf, (char *)data->d_buf + (address - header.sh_addr), len);
		return true;
	}
	return false;
}

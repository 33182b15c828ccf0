/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The input as bytes at an offset: mapped windows where that pays, reads into a buffer elsewhere. */
#include "input/input_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/fdio.h"
#include "format/flat_record.h"

#define WINDOW_BYTES ((size_t)16 << 20)
/*
 * Mapping is for what is wanted as a whole: so many times what pays must have been wanted in a row before the first window.
 * Measured with a dump of 4 GB in a virtual machine whose faults take 17 us, where mapping pays from 450 KiB of a unit on.
 * For level 31 (stretches of up to 90 MB, and pieces) reading takes .95 of the time of mapping, for levels 0 and 1 (all of
 * it) 1.10 and 1.15 of it.  With this: .97, 1.01 and 1.03.  Where faults are cheap a window comes much earlier.
 */
#define PROOF_FACTOR 128
/* Measured: what is read in one go is to stay in the CPU's second cache until it is packed. */
#define BUFFER_BYTES ((size_t)PAGE_SIZE_MAX)

/*
 * Guarded windows.  Touching a mapped page whose file shrank, or whose memory is bad, raises SIGBUS in
 * whoever reads the lent bytes.  The handler puts a page of zeros there and marks the window, so that the
 * reader goes on and mem_view_intact() tells it afterwards.
 *
 * The handler runs in the thread that reads, and looks at the windows of all of them.  Those of others may
 * change meanwhile: `changes` is odd then, and differs afterwards.
 */
#define MAX_GUARDED 256
static struct guard {
	atomic_bool taken, faulted;
	atomic_uint changes;
	atomic_uintptr_t start;
	atomic_size_t len;    /* 0: nothing is mapped */
	atomic_uintptr_t put; /* where the last page of zeros was put */
} guards[MAX_GUARDED];
static pthread_once_t handler_once = PTHREAD_ONCE_INIT;
static size_t host_page;

static bool guard_covers(struct guard *g, uintptr_t at)
{
	unsigned changes = atomic_load(&g->changes);
	uintptr_t start = atomic_load(&g->start);
	size_t len = atomic_load(&g->len);

	return at >= start && at - start < len && !(changes & 1) && atomic_load(&g->changes) == changes;
}

static void on_sigbus(int sig, siginfo_t *info, void *context)
{
	uint8_t *at = info->si_addr;
	int saved = errno;

	(void)context;
	for (size_t i = 0; i < MAX_GUARDED; i++) {
		if (!guard_covers(&guards[i], (uintptr_t)at))
			continue;
		at -= (uintptr_t)at % host_page;
		/* there are zeros now: a fault there again was elsewhere, as emulators tell wrong places, and has no end */
		if (atomic_exchange(&guards[i].put, (uintptr_t)at) == (uintptr_t)at)
			break;
		if (mmap(at, host_page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
			break;
		atomic_store(&guards[i].faulted, true);
		errno = saved;
		return;
	}
	/* not ours: die as without a handler, when the instruction is tried again */
	signal(sig, SIG_DFL);
	errno = saved;
}

static void install_handler(void)
{
	struct sigaction sa = { .sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO };

	host_page = (size_t)sysconf(_SC_PAGESIZE);
	sigemptyset(&sa.sa_mask);
	sigaction(SIGBUS, &sa, NULL);
}

/* A free entry, NULL when there is none. */
static struct guard *guard_take(void)
{
	pthread_once(&handler_once, install_handler);
	for (int i = 0; i < MAX_GUARDED; i++) {
		bool none = false;

		if (atomic_compare_exchange_strong(&guards[i].taken, &none, true))
			return &guards[i];
	}
	return NULL;
}

static void guard_set(struct guard *g, const void *start, size_t len)
{
	atomic_fetch_add(&g->changes, 1);
	atomic_store(&g->start, (uintptr_t)start);
	atomic_store(&g->len, len);
	atomic_store(&g->faulted, false);
	atomic_store(&g->put, 0);
	atomic_fetch_add(&g->changes, 1);
}

enum status input_file_open(struct input_file **out, const char *path, bool no_mmap, struct err *e)
{
	AUTO(input_file) *f = calloc(1, sizeof(*f));
	struct statfs fs;
	struct stat st;
	off_t end;

	if (!f)
		return err_nomem(e, sizeof(*f));
	f->path = path;
	f->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe is refused, not waited for */
	if (f->fd < 0)
		return err_sys(e, E_IO, "cannot open %s", path);
	if (fstat(f->fd, &st) < 0)
		return err_sys(e, E_IO, "%s", path);
	if (S_ISDIR(st.st_mode))
		return err_set(e, E_FORMAT, "%s is a directory", path);
	/* /proc/vmcore tells its size by stat, devices by their end */
	end = S_ISREG(st.st_mode) ? st.st_size : lseek(f->fd, 0, SEEK_END);
	if (end < 0)
		return err_set(e, E_UNSUPPORTED, "%s cannot be read at any offset", path);
	f->size = f->stored = (uint64_t)end;
	f->is_procfs = !fstatfs(f->fd, &fs) && fs.f_type == PROC_SUPER_MAGIC;
	if (f->is_procfs) {
		f->mappable = !no_mmap;
		f->one_reader = malloc(sizeof(*f->one_reader));
		if (!f->one_reader)
			return err_nomem(e, sizeof(*f->one_reader));
		pthread_mutex_init(f->one_reader, NULL);
	}
	*out = f;
	f = NULL;
	return OK;
}

void input_file_close(struct input_file *f)
{
	if (f->flat)
		flat_file_close(f->flat);
	if (f->fd >= 0)
		close(f->fd);
	if (f->one_reader)
		pthread_mutex_destroy(f->one_reader);
	free(f->one_reader);
	free(f);
}

enum status input_file_unflatten(struct input_file *f, struct err *e)
{
	uint8_t head[16];
	int sys_errno;

	if (f->flat || !flat_has_magic(head, fd_pread(f->fd, 0, head, sizeof(head), &sys_errno)))
		return OK;
	if (flat_file_open(&f->flat, f->fd, f->path, f->size, FLAT_EXTENTS, e))
		return e->status;
	f->size = flat_file_size(f->flat);
	return OK;
}

uint64_t input_file_next_data(const struct input_file *f, uint64_t pos)
{
	off_t at;

	if (pos >= f->size)
		return f->size;
	if (f->flat)
		return flat_file_next_data(f->flat, pos);
	at = lseek(f->fd, (off_t)pos, SEEK_DATA);
	if (at >= 0)
		return min_u64((uint64_t)at, f->size);
	/* nothing but a hole; or a file system that does not know holes */
	return errno == ENXIO ? f->size : pos;
}

static size_t read_file(const struct input_file *f, uint64_t pos, void *buf, size_t len, int *sys_errno)
{
	size_t n;

	if (f->one_reader)
		pthread_mutex_lock(f->one_reader);
	n = fd_pread(f->fd, (off_t)pos, buf, len, sys_errno);
	if (f->one_reader)
		pthread_mutex_unlock(f->one_reader);
	return n;
}

enum status input_file_read(const struct input_file *f, uint64_t pos, void *buf, size_t len, struct err *e)
{
	int sys_errno;
	size_t n;

	if (f->flat)
		return flat_file_read(f->flat, pos, buf, len, e);
	if (pos > (uint64_t)INT64_MAX - len)
		return err_set(e, E_UNREADABLE, "%s: offset %#llx is out of range", f->path, (unsigned long long)pos);
	n = read_file(f, pos, buf, len, &sys_errno);
	if (n == len)
		return OK;
	if (sys_errno) {
		errno = sys_errno;
		return err_sys(e, E_UNREADABLE, "%s: read at %#llx", f->path, (unsigned long long)pos + n);
	}
	return err_set(e, E_UNREADABLE, "%s: the file ends at %#llx, %zu bytes are wanted at %#llx", f->path,
		       (unsigned long long)pos + n, len, (unsigned long long)pos);
}

void input_window_init(struct input_window *w, const struct input_file *f, bool bulk)
{
	*w = (struct input_window){ .file = f, .buf_len = BUFFER_BYTES };
	if (bulk && f->mappable)
		w->guard = guard_take();
}

static void window_unmap(struct input_window *w)
{
	if (!w->map)
		return;
	guard_set(w->guard, NULL, 0);
	munmap(w->map, w->map_len);
	w->map = NULL;
	w->map_len = 0;
}

bool input_window_faulted(const struct input_window *w)
{
	return w->map && atomic_load(&w->guard->faulted);
}

void input_window_drop_faulted(struct input_window *w)
{
	if (input_window_faulted(w))
		window_unmap(w);
}

static void guard_give_back(struct input_window *w)
{
	if (w->guard)
		atomic_store(&w->guard->taken, false);
	w->guard = NULL;
}

void input_window_fini(struct input_window *w)
{
	window_unmap(w);
	guard_give_back(w);
	free(w->buf);
	flat_cursor_fini(&w->cursor);
}

static void window_enter_unit(struct input_window *w, uint64_t unit)
{
	if (unit == w->unit)
		return;
	w->dense_units = w->unit_bytes >= w->file->map_min ? w->dense_units + 1 : 0;
	w->unit_bytes = 0;
	w->unit = unit;
}

/*
 * Is so much wanted of what lies here that mapping is faster than reading?  mem_reader_expect() does not tell: a reader of
 * struct pages leaps over those of free blocks, and wants a few bytes of megabytes.
 */
static bool window_pays(const struct input_window *w)
{
	return w->dense_units * INPUT_WINDOW_ALIGN >= w->file->map_min * PROOF_FACTOR;
}

static bool window_holds(const struct input_window *w, const struct window_want *want)
{
	uint64_t end = w->map_pos + w->map_len;

	return w->map && want->pos >= w->map_pos && want->pos < end && min_u64(want->len, 65536) <= end - want->pos;
}

/*
 * Maps a window with want->pos in it, unless the file cannot be mapped there.  procfs fills the page tables of all of it at
 * once, so there it begins at the host page of the position, and what is not going to be used is not mapped.
 */
static void window_map(struct input_window *w, const struct window_want *want)
{
	const struct input_file *f = w->file;
	uint64_t start = want->pos - want->pos % (f->is_procfs ? host_page : INPUT_WINDOW_ALIGN), left = f->stored - start;
	uint64_t useful = f->is_procfs ? want->pos - start + want->len + want->ahead : WINDOW_BYTES;
	size_t len = (size_t)min_u64(left, min_u64(useful, WINDOW_BYTES));
	void *map = mmap(NULL, len, PROT_READ, MAP_SHARED, f->fd, (off_t)start);

	if (map == MAP_FAILED) {
		if (errno == ENODEV) /* /proc/kcore: no part of it ever can be */
			guard_give_back(w);
		return;
	}
	w->map = map;
	w->map_pos = start;
	w->map_len = len;
	guard_set(w->guard, map, len);
}

static enum status window_buffer(struct input_window *w, struct err *e)
{
	/* measured: the kernel copies whole pages to the beginning of a page 3 to 5 % faster than to 16 bytes behind it */
	if (!w->buf)
		w->buf = aligned_alloc(4096, w->buf_len);
	return w->buf ? OK : err_nomem(e, w->buf_len);
}

enum status input_window_take_memory(struct input_window *w, struct err *e)
{
	if (w->guard)
		return OK;
	if (window_buffer(w, e))
		return e->status;
	memset(w->buf, 0, w->buf_len); /* or the kernel gives it piece by piece */
	return OK;
}

static enum status view_by_read(struct input_window *w, const struct window_want *want, struct span *out, struct err *e)
{
	size_t len = want->len, must = want->must, n;
	uint64_t pos = want->pos;
	int sys_errno;

	if (window_buffer(w, e))
		return e->status;
	if (len > w->buf_len)
		len = w->buf_len;
	n = read_file(w->file, pos, w->buf, len, &sys_errno);
	if (n < must && len > must) /* one bad page must not take its neighbours along */
		n = read_file(w->file, pos, w->buf, must, &sys_errno);
	if (n < must) {
		if (!sys_errno)
			return err_set(e, E_UNREADABLE, "%s ends at %#llx", w->file->path,
				       (unsigned long long)pos + n);
		errno = sys_errno;
		return err_sys(e, E_UNREADABLE, "%s: read at %#llx", w->file->path, (unsigned long long)pos + n);
	}
	*out = (struct span){ w->buf, n };
	return OK;
}

/* Bytes of the file as it is stored; want->len ends within it. */
static enum status view_stored(struct input_window *w, const struct window_want *want, struct span *out,
			       struct err *e)
{
	if (!w->guard)
		return view_by_read(w, want, out, e);
	window_enter_unit(w, want->pos / INPUT_WINDOW_ALIGN);
	if (!window_holds(w, want)) {
		window_unmap(w);
		if (window_pays(w))
			window_map(w, want);
	}
	if (w->map) {
		size_t skip = (size_t)(want->pos - w->map_pos);

		*out = (struct span){ w->map + skip, (size_t)min_u64(want->len, w->map_len - skip) };
	} else if (view_by_read(w, want, out, e)) {
		return e->status;
	}
	w->unit_bytes += out->len;
	return OK;
}

/* Puts the first bytes together where they lie in several records, or in none. */
static enum status view_joined(struct input_window *w, const struct window_want *want, struct span *out, struct err *e)
{
	uint64_t pos = want->pos;
	size_t n, done = 0;
	int sys_errno;

	if (window_buffer(w, e))
		return e->status;
	while (done < want->must) {
		struct flat_piece p;

		if (flat_file_find(w->file->flat, &w->cursor, pos + done, &p, e))
			return e->status;
		n = (size_t)min_u64(want->must - done, p.len);
		if (p.gap) {
			memset(w->buf + done, 0, n);
		} else if (fd_pread(w->file->fd, (off_t)p.raw, w->buf + done, n, &sys_errno) < n) {
			errno = sys_errno ? sys_errno : EIO;
			return err_sys(e, E_UNREADABLE, "%s: read at %#llx", w->file->path, (unsigned long long)p.raw);
		}
		done += n;
	}
	*out = (struct span){ w->buf, done };
	return OK;
}

static enum status view_flat(struct input_window *w, const struct window_want *wanted, struct span *out, struct err *e)
{
	struct window_want want = *wanted;
	struct flat_piece p;

	if (flat_file_find(w->file->flat, &w->cursor, want.pos, &p, e))
		return e->status;
	if (p.gap || p.len < want.must) {
		want.must = (size_t)min_u64(want.len, p.gap ? max_u64(want.must, min_u64(p.len, w->buf_len)) : want.must);
		return view_joined(w, &want, out, e);
	}
	want.pos = p.raw;
	want.len = (size_t)min_u64(want.len, p.len);
	return view_stored(w, &want, out, e);
}

enum status input_window_view(struct input_window *w, const struct window_want *wanted, struct span *out,
			      struct err *e)
{
	struct window_want want = *wanted;
	uint64_t size = w->file->size;

	if (want.pos >= size || want.must > size - want.pos || want.must > w->buf_len)
		return err_set(e, E_UNREADABLE, "%s ends at %#llx", w->file->path, (unsigned long long)size);
	want.len = (size_t)min_u64(want.len, size - want.pos);
	return w->file->flat ? view_flat(w, &want, out, e) : view_stored(w, &want, out, e);
}

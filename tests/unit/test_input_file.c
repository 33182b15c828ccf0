/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that shrink while they are read, mapped or not; names that cannot be opened. */
#include "elf_file.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "input/input_file.h"
#include "input/mem_source.h"

static struct err e;

#define FILE_LEN ((size_t)19 << 20)
#define DATA_AT ((size_t)0x1000)
static uint8_t bytes[FILE_LEN];

struct opened {
	char path[32];
	int fd;
	struct mem_source *src;
	struct mem_reader *reader;
};

/* cmocka sets handlers of its own before each test, the program only once: give it back its own. */
static void keep_handler(void)
{
	static struct sigaction ours;
	static bool known;

	if (known)
		sigaction(SIGBUS, &ours, NULL);
	else
		known = sigaction(SIGBUS, NULL, &ours) == 0;
}

static void open_it(struct opened *o, bool no_mmap, enum mem_reader_use use)
{
	const struct elf_file f = {
		.is64 = true,
		.n = 1,
		.ph = { { PT_LOAD, DATA_AT, 0, FILE_LEN - DATA_AT, FILE_LEN - DATA_AT, 0 } },
	};

	elf_file_build(&f, bytes, FILE_LEN);
	o->fd = file_of(bytes, FILE_LEN, o->path);
	assert_ok(mem_source_open(&o->src, (const char *const[]){ o->path }, 1,
				  &(struct mem_source_options){ .no_mmap = no_mmap }, &e));
	o->src->file->mappable = !no_mmap; /* as a file of procfs would be */
	assert_ok(mem_reader_open(&o->reader, o->src, use, &e));
	keep_handler();
}

static void close_it(struct opened *o)
{
	mem_reader_close(o->reader);
	mem_source_close(o->src);
	close(o->fd);
}

static unsigned sum(struct span s)
{
	unsigned n = 0;

	for (size_t i = 0; i < s.len; i++)
		n += s.data[i];
	return n;
}

TEST(view_of_a_file_that_shrinks_is_not_intact_and_nobody_dies)
{
	struct opened o;
	struct span s;
	uint8_t buf[64];

	open_it(&o, false, READER_BULK);
	assert_ok(mem_view(o.reader, 0x10000, 0x10000, &s, &e));
	assert_true(s.len >= 0x10000);
	assert_memory_equal(s.data, bytes + DATA_AT + 0x10000, s.len);
	assert_true(mem_view_intact(o.reader));
	assert_int_equal(ftruncate(o.fd, DATA_AT + 0x14000), 0);
	/* touched before the end: still good */
	assert_memory_equal(s.data, bytes + DATA_AT + 0x10000, 0x4000);
	assert_true(mem_view_intact(o.reader));
	/* touched behind it: SIGBUS, and life goes on */
	assert_true(sum(s) > 0);
	assert_false(mem_view_intact(o.reader));
	/* the next view is asked anew, and so is its answer */
	assert_ok(mem_view(o.reader, 0x8000, 0x1000, &s, &e));
	assert_memory_equal(s.data, bytes + DATA_AT + 0x8000, 0x1000);
	assert_true(mem_view_intact(o.reader));
	/* copying tells it with its status */
	assert_int_equal(mem_read(o.reader, 0x18000, buf, sizeof(buf), &e), E_UNREADABLE);
	assert_int_equal(mem_read(o.reader, 0x400000, buf, sizeof(buf), &e), E_UNREADABLE);
	assert_ok(mem_read(o.reader, 0x0, buf, sizeof(buf), &e));
	assert_memory_equal(buf, bytes + DATA_AT, sizeof(buf));
	close_it(&o);
}

TEST(file_that_grows_back_is_read_again)
{
	struct opened o;
	uint8_t buf[64];

	open_it(&o, false, READER_BULK);
	assert_int_equal(ftruncate(o.fd, 0x20000), 0);
	assert_int_equal(mem_read(o.reader, 0x100000, buf, sizeof(buf), &e), E_UNREADABLE);
	assert_int_equal(pwrite(o.fd, bytes, FILE_LEN, 0), FILE_LEN);
	assert_ok(mem_read(o.reader, 0x100000, buf, sizeof(buf), &e));
	assert_memory_equal(buf, bytes + DATA_AT + 0x100000, sizeof(buf));
	close_it(&o);
}

TEST(windows_of_two_readers_fault_apart)
{
	struct opened o;
	struct mem_reader *other = NULL;
	struct span s, t;

	open_it(&o, false, READER_BULK);
	assert_ok(mem_reader_open(&other, o.src, READER_BULK, &e));
	assert_ok(mem_view(o.reader, 0x10000, 0x1000, &s, &e));
	assert_ok(mem_view(other, 0x500000, 0x1000, &t, &e));
	assert_int_equal(ftruncate(o.fd, 0x100000), 0);
	assert_true(sum(s) > 0);
	assert_int_equal(sum(t), 0);
	assert_true(mem_view_intact(o.reader));
	assert_false(mem_view_intact(other));
	mem_reader_close(other);
	close_it(&o);
}

TEST(file_that_shrinks_is_an_error_where_it_is_read_not_mapped)
{
	struct opened o;
	struct span s;
	uint8_t buf[4096];

	for (unsigned use = READER_BULK; use <= READER_SMALL; use++) {
		open_it(&o, true, use);
		assert_ok(mem_view(o.reader, 0x10000, 0x10000, &s, &e));
		assert_memory_equal(s.data, bytes + DATA_AT + 0x10000, s.len);
		assert_int_equal(ftruncate(o.fd, DATA_AT + 0x14800), 0);
		assert_ok(mem_read(o.reader, 0x13000, buf, 4096, &e));
		assert_int_equal(mem_read(o.reader, 0x14000, buf, 4096, &e), E_UNREADABLE);
		assert_ok(mem_read(o.reader, 0x14000, buf, 0x800, &e));
		assert_memory_equal(buf, bytes + DATA_AT + 0x14000, 0x800);
		assert_true(mem_view_intact(o.reader));
		close_it(&o);
	}
}

TEST(mapped_and_read_bytes_are_the_same_across_windows)
{
	struct opened mapped, read;
	struct mem_reader *structs;
	uint64_t seed = 3;
	static uint8_t a[300000], b[300000];

	open_it(&mapped, false, READER_BULK);
	open_it(&read, true, READER_BULK);
	assert_ok(mem_reader_open(&structs, read.src, READER_STRUCTS, &e));
	for (unsigned round = 0; round < 400; round++) {
		size_t len = 1 + random_below(&seed, sizeof(a));
		paddr_t at = random_below(&seed, FILE_LEN - DATA_AT - len);

		/* windows of procfs begin anywhere and are short */
		mapped.src->file->is_procfs = round >= 200;
		/* where other windows begin and end, and there around, more often than chance would */
		if (round % 2)
			at = (1 + random_below(&seed, 8)) * ((size_t)2 << 20) - DATA_AT - 1000 + random_below(&seed, 2000);
		assert_ok(mem_read(mapped.reader, at, a, len, &e));
		assert_ok(mem_read(round % 4 < 2 ? read.reader : structs, at, b, len, &e));
		assert_memory_equal(a, bytes + DATA_AT + at, len);
		assert_memory_equal(b, a, len);
	}
	mem_reader_close(structs);
	close_it(&mapped);
	close_it(&read);
}

/* The page cache has large folios there, and one that lies in the window as a whole is mapped by one fault. */
TEST(windows_begin_where_large_folios_do_but_not_in_procfs)
{
	const struct window_want want = { ((uint64_t)5 << 20) + 100, 1000, 1, 5000 };
	struct input_window w;
	struct opened o;
	struct span s;

	open_it(&o, false, READER_BULK);
	for (unsigned procfs = 0; procfs < 2; procfs++) {
		o.src->file->is_procfs = procfs;
		input_window_init(&w, o.src->file, true);
		assert_ok(input_window_view(&w, &want, &s, &e));
		assert_non_null(w.map);
		assert_int_equal(w.map_pos, (uint64_t)(procfs ? 5 : 4) << 20);
		assert_int_equal(w.map_len, procfs ? 100 + 1000 + 5000 : (size_t)(19 - 4) << 20);
		assert_memory_equal(s.data, bytes + want.pos, 1000);
		input_window_fini(&w);
	}
	close_it(&o);
}

TEST(more_readers_than_guards_still_read)
{
	enum { N = 300 };
	struct opened o;
	struct mem_reader *readers[N];
	uint8_t buf[16];

	open_it(&o, false, READER_SMALL);
	for (size_t i = 0; i < N; i++) {
		assert_ok(mem_reader_open(&readers[i], o.src, READER_BULK, &e));
		assert_ok(mem_read(readers[i], i * 4096, buf, sizeof(buf), &e));
		assert_memory_equal(buf, bytes + DATA_AT + i * 4096, sizeof(buf));
	}
	/* all of them survive, guarded or not */
	assert_int_equal(ftruncate(o.fd, 0x2000), 0);
	for (size_t i = 0; i < N; i++) {
		assert_int_equal(mem_read(readers[i], 0x100000, buf, sizeof(buf), &e), E_UNREADABLE);
		mem_reader_close(readers[i]);
	}
	close_it(&o);
}

static int status_of(pid_t child)
{
	int how;

	assert_true(child >= 0);
	assert_int_equal(waitpid(child, &how, 0), child);
	return how;
}

/* A page of a file that has become shorter. */
static volatile uint8_t *page_behind_a_file(void)
{
	int fd = memfd_create("other", MFD_CLOEXEC);
	void *p;

	if (fd < 0 || ftruncate(fd, 4096) < 0)
		_exit(1);
	p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED || ftruncate(fd, 0) < 0)
		_exit(1);
	return p;
}

/* A fault that has nothing to do with the input must not be covered up. */
TEST(bus_error_of_anybody_else_is_deadly)
{
	struct opened o;
	pid_t child;
	int how;

	open_it(&o, false, READER_BULK);
	fflush(NULL);
	child = fork();
	if (!child) {
		volatile uint8_t *p = page_behind_a_file();

		alarm(10); /* a handler that returns without a change would fault for ever */
		_exit(*p ? 2 : 3);
	}
	how = status_of(child);
	assert_true(WIFSIGNALED(how));
	assert_int_equal(WTERMSIG(how), SIGBUS);
	close_it(&o);
}

/* What does not help once will not help again: a place that is told and is not that of the fault would be told for ever. */
TEST(bus_error_where_zeros_were_put_is_deadly)
{
	siginfo_t told = { .si_signo = SIGBUS, .si_code = BUS_ADRERR };
	struct sigaction ours, now;
	struct opened o;
	struct span s;

	open_it(&o, false, READER_BULK);
	assert_ok(mem_view(o.reader, 0x10000, 0x10000, &s, &e));
	assert_int_equal(sigaction(SIGBUS, NULL, &ours), 0);
	told.si_addr = (void *)(uintptr_t)(s.data + 0x1010);
	ours.sa_sigaction(SIGBUS, &told, NULL);
	assert_false(mem_view_intact(o.reader));
	assert_int_equal(s.data[0x1010], 0);
	assert_int_equal(sigaction(SIGBUS, NULL, &now), 0);
	assert_ptr_equal(now.sa_sigaction, ours.sa_sigaction);
	ours.sa_sigaction(SIGBUS, &told, NULL);
	assert_int_equal(sigaction(SIGBUS, NULL, &now), 0);
	assert_ptr_equal(now.sa_handler, SIG_DFL);
	sigaction(SIGBUS, &ours, NULL);
	close_it(&o);
}

static const volatile uint8_t *touched;

static void on_fault(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)context;
	_exit(info->si_addr == (const void *)touched ? 0 : 1);
}

/* Does this machine tell where a bus error was?  QEMU for single processes does not, for most machines. */
static bool faults_are_told(void)
{
	pid_t child = fork();
	int how = 0;

	if (!child) {
		struct sigaction sa = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };

		touched = page_behind_a_file();
		sigaction(SIGBUS, &sa, NULL);
		_exit(*touched ? 2 : 3);
	}
	return child > 0 && waitpid(child, &how, 0) == child && WIFEXITED(how) && !WEXITSTATUS(how);
}

TEST(bus_error_at_a_place_that_is_not_told_is_deadly_and_not_endless)
{
	struct opened o;
	struct span s;
	pid_t child;
	int how;

	open_it(&o, false, READER_BULK);
	assert_ok(mem_view(o.reader, 0x10000, 0x10000, &s, &e));
	assert_int_equal(ftruncate(o.fd, DATA_AT + 0x14000), 0);
	fflush(NULL);
	child = fork();
	if (!child) {
		alarm(10);
		_exit(sum(s) ? 2 : 3);
	}
	how = status_of(child);
	assert_true(WIFSIGNALED(how));
	assert_int_equal(WTERMSIG(how), SIGBUS);
	close_it(&o);
}

TEST(names_that_cannot_be_opened_are_told_with_the_reason)
{
	struct input_file *f = NULL;
	int ends[2];
	char path[32];

	assert_int_equal(input_file_open(&f, "/nowhere/vmcore", false, &e), E_IO);
	assert_contains(e.text, "/nowhere/vmcore");
	assert_contains(e.text, "No such file");
	assert_int_equal(input_file_open(&f, "/", false, &e), E_FORMAT);
	assert_contains(e.text, "directory");
	assert_int_equal(pipe(ends), 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[0]);
	assert_int_equal(input_file_open(&f, path, false, &e), E_UNSUPPORTED);
	assert_contains(e.text, path);
	close(ends[0]), close(ends[1]);
}

TEST(read_needs_all_of_its_bytes)
{
	struct input_file *f = NULL;
	char path[32], buf[8];
	int fd = file_of("0123456789", 10, path);

	assert_ok(input_file_open(&f, path, true, &e));
	assert_int_equal(f->size, 10);
	assert_ok(input_file_read(f, 2, buf, 8, &e));
	assert_memory_equal(buf, "23456789", 8);
	assert_int_equal(input_file_read(f, 3, buf, 8, &e), E_UNREADABLE);
	assert_contains(e.text, "ends at 0xa");
	assert_int_equal(input_file_read(f, UINT64_MAX - 3, buf, 8, &e), E_UNREADABLE);
	assert_int_equal(input_file_read(f, INT64_MAX, buf, 8, &e), E_UNREADABLE);
	input_file_close(f);
	close(fd);
}

/* Reads of /proc/kcore share a buffer in the kernel: two threads at once got each other's bytes. */
TEST(files_of_procfs_are_read_by_one_thread_at_a_time)
{
	AUTO(input_file) *proc = NULL;
	AUTO(input_file) *plain = NULL;

	assert_ok(input_file_open(&proc, "/proc/self/limits", false, &e));
	assert_non_null(proc->one_reader);
	assert_ok(input_file_open(&plain, "/dev/zero", false, &e));
	assert_null(plain->one_reader);
}

int main(void)
{
	const struct CMUnitTest anywhere[] = {
		cmocka_unit_test(file_that_shrinks_is_an_error_where_it_is_read_not_mapped),
		cmocka_unit_test(mapped_and_read_bytes_are_the_same_across_windows),
		cmocka_unit_test(windows_begin_where_large_folios_do_but_not_in_procfs),
		cmocka_unit_test(bus_error_of_anybody_else_is_deadly),
		cmocka_unit_test(bus_error_where_zeros_were_put_is_deadly),
		cmocka_unit_test(names_that_cannot_be_opened_are_told_with_the_reason),
		cmocka_unit_test(read_needs_all_of_its_bytes),
		cmocka_unit_test(files_of_procfs_are_read_by_one_thread_at_a_time),
	};
	const struct CMUnitTest with_places[] = {
		cmocka_unit_test(view_of_a_file_that_shrinks_is_not_intact_and_nobody_dies),
		cmocka_unit_test(file_that_grows_back_is_read_again),
		cmocka_unit_test(windows_of_two_readers_fault_apart),
		cmocka_unit_test(more_readers_than_guards_still_read),
	};
	const struct CMUnitTest without_places[] = {
		cmocka_unit_test(bus_error_at_a_place_that_is_not_told_is_deadly_and_not_endless),
	};
	bool told = faults_are_told();
	int failed;

	message_set_level(0);
	/* these first: it is with the first mapped window that the program sets its handler */
	if (told)
		failed = cmocka_run_group_tests_name("faults", with_places, NULL, NULL);
	else
		failed = cmocka_run_group_tests_name("faults", without_places, NULL, NULL);
	failed += cmocka_run_group_tests_name("input_file", anywhere, NULL, NULL);
	return failed;
}

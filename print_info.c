/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the program says: messages by class, progress of a phase, the final report. */
#include "print_info.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/host.h"

static unsigned shown_classes = MSG_LEVEL_DEFAULT;
static bool all_to_stderr;
static bool progress_line_open;

void message_set_level(unsigned level)
{
	shown_classes = level;
}

void message_keep_stdout(void)
{
	all_to_stderr = true;
}

unsigned message_level(void)
{
	return shown_classes;
}

bool message_shows(enum message_class c)
{
	return shown_classes & c;
}

static void end_progress_line(void)
{
	if (!progress_line_open)
		return;
	progress_line_open = false;
	fputc('\n', stderr);
}

void message(enum message_class c, const char *fmt, ...)
{
	FILE *to = all_to_stderr || c & (MSG_PROGRESS | MSG_ERROR) ? stderr : stdout;
	va_list ap;

	if (!message_shows(c))
		return;
	end_progress_line();
	/* both streams often end in one console or file: keep the order in which things were said */
	if (to == stderr)
		fflush(stdout);
	va_start(ap, fmt);
	vfprintf(to, fmt, ap);
	va_end(ap);
}

int message_flush(void)
{
	errno = 0;
	return fflush(stdout) || ferror(stdout) ? (errno ? errno : EIO) : 0;
}

void progress_start(struct progress *p, const char *label, uint64_t total, bool with_eta)
{
	*p = (struct progress){ .label = label, .total = total, .with_eta = with_eta };
	p->step = total / 10000 + 1;
	p->next_check = p->step;
	p->start_ns = p->shown_ns = host_now_ns();
}

static void eta_text(const struct progress *p, unsigned permille, int64_t now, char *buf, size_t len)
{
	int64_t ms = (now - p->start_ns) / 1000000, left;

	buf[0] = '\0';
	if (!p->with_eta || !permille)
		return;
	left = ms / permille - ms / 1000; /* ms / permille is the whole time in seconds */
	if (left < 0)
		left = 0;
	if (left < 100)
		snprintf(buf, len, "eta: %" PRId64 "s", left);
	else if (left < 100 * 60)
		snprintf(buf, len, "eta: %" PRId64 "m%" PRId64 "s", left / 60, left % 60);
	else if (left < 48 * 3600)
		snprintf(buf, len, "eta: %" PRId64 "h%" PRId64 "m", left / 3600, left / 60 % 60);
	else if (left < INT64_C(100) * 86400)
		snprintf(buf, len, "eta: %" PRId64 "d%" PRId64 "h", left / 86400, left / 3600 % 24);
	else
		snprintf(buf, len, "eta: >100day");
}

static void show_line(struct progress *p, unsigned permille, int64_t now)
{
	static unsigned turns; /* one spinner for all phases */
	bool terminal = isatty(STDERR_FILENO);
	char eta[32];

	eta_text(p, permille, now, eta, sizeof(eta));
	fflush(stdout);
	fprintf(stderr, "%s%-50s: [%3u.%u %%] %c  %16s%s", terminal ? "\r" : "", p->label, permille / 10,
		permille % 10, "/|\\-"[turns++ % 4], eta, terminal ? "" : "\n");
	progress_line_open = terminal;
	p->shown_ns = now;
}

void progress_at(struct progress *p, uint64_t done)
{
	int64_t now, pause;

	if (done < p->next_check || done >= p->total)
		return;
	p->next_check = done + p->step;
	if (!message_shows(MSG_PROGRESS))
		return;
	now = host_now_ns();
	pause = isatty(STDERR_FILENO) ? 1 : 10;
	if (now - p->shown_ns >= pause * 1000000000)
		show_line(p, (unsigned)((double)done / (double)p->total * 1000), now);
}

void progress_end(struct progress *p)
{
	int64_t now = host_now_ns(), us = (now - p->start_ns) / 1000;

	if (message_shows(MSG_PROGRESS)) {
		show_line(p, 1000, now);
		end_progress_line();
	}
	message(MSG_REPORT, "STEP [%-27s] : %" PRId64 ".%06" PRId64 " seconds\n", p->label, us / 1000000,
		us % 1000000);
}

void report_rows(const struct report_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		message(MSG_REPORT, "%s: 0x%016" PRIx64 "\n", rows[i].label, rows[i].value);
}

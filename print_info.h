/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the program says: messages by class, progress of a phase, the final report. */
#ifndef PRINT_INFO_H
#define PRINT_INFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bits of --message-level. */
enum message_class {
	MSG_PROGRESS = 1, /* standard error */
	MSG_COMMON = 2,	  /* standard output */
	MSG_ERROR = 4,	  /* standard error */
	MSG_DEBUG = 8,	  /* standard output */
	MSG_REPORT = 16,  /* standard output */
};
#define MSG_LEVEL_DEFAULT 7
#define MSG_LEVEL_MAX 31

void message_set_level(unsigned level);
unsigned message_level(void);
/* From now on all classes go to standard error: standard output carries data. */
void message_keep_stdout(void);

/* True if messages of this class are shown: asks before work is spent on their text. */
bool message_shows(enum message_class c);

/*
 * One message; the text carries its own newline.  A progress line that is still open on the terminal is
 * ended first, so that no message is glued to it.
 */
void message(enum message_class c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Ends everything said on standard output; returns 0, or the errno of a write that failed. */
int message_flush(void);

/*
 * Progress of one phase.  On a terminal a line is redrawn at most once a second; elsewhere whole lines are
 * written, at most one in ten seconds.  The 100.0 % line comes once, from progress_end().  Nobody pays for
 * a clock call more often than once per `total`/10000 steps.
 */
struct progress {
	const char *label;
	uint64_t total, next_check, step;
	bool with_eta;
	int64_t start_ns, shown_ns;
};
void progress_start(struct progress *p, const char *label, uint64_t total, bool with_eta);
void progress_at(struct progress *p, uint64_t done);
/* Shows 100 % and, at report level, how long the phase took. */
void progress_end(struct progress *p);

/* One row of the final report; the label carries its own column layout. */
struct report_row {
	const char *label;
	uint64_t value;
};
void report_rows(const struct report_row *rows, size_t n);

#endif

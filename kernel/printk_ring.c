/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's log since 5.10: a ring of descriptors, whose ids rise by one, and a ring of blocks of text.  Writers
 * take no lock, so that a crash may leave some of both half done.
 */
#include <inttypes.h>

#include "base/bytes.h"
#include "input/mem_source.h"
#include "kernel/printk_logs.h"
#include "print_info.h"

#define SIZE_BITS_MAX 31
#define AVERAGE_BITS 5 /* kernels have a descriptor for each 32 bytes of text */
#define EMPTY_LINE 3
#define WRITERS_MAX 64 /* processors that reserve a descriptor in one moment */

enum desc_state { RESERVED, COMMITTED, FINALIZED, REUSABLE };

struct desc {
	uint64_t id, begin, next;
	enum desc_state state;
};

static uint64_t slots(const struct printk *p)
{
	return UINT64_C(1) << p->ring.count_bits;
}

static uint64_t text_bytes(const struct printk *p)
{
	return UINT64_C(1) << p->ring.size_bits;
}

static enum status read_rings(struct printk *p, uint64_t *count_bits, uint64_t *size_bits, struct err *e)
{
	const struct facts *f = &p->k->facts;
	struct ring_log *ring = &p->ring;
	uint64_t counter = fact_or(f, F_atomic_counter, 0);
	vaddr_t rb, descs, text;

	if (printk_read_long(p, printk_symbol(p, F_prb), &rb, e))
		return e->status;
	descs = rb + fact(f, F_prb_descs);
	text = rb + fact(f, F_prb_text);
	if (printk_read(p, printk_field(p, descs, F_descs_count_bits), 4, count_bits, e) ||
	    printk_read_long(p, printk_field(p, descs, F_descs_descs), &ring->descs, e) ||
	    printk_read_long(p, printk_field(p, descs, F_descs_infos), &ring->infos, e) ||
	    printk_read_long(p, printk_field(p, descs + counter, F_descs_head), &ring->head, e) ||
	    printk_read_long(p, printk_field(p, descs + counter, F_descs_tail), &ring->tail, e) ||
	    printk_read(p, printk_field(p, text, F_text_size_bits), 4, size_bits, e) ||
	    printk_read_long(p, printk_field(p, text, F_text_data), &ring->data, e))
		return e->status;
	return OK;
}

static bool bits_can_be(uint64_t count_bits, uint64_t size_bits)
{
	return count_bits && size_bits >= 4 && size_bits <= SIZE_BITS_MAX && count_bits <= size_bits;
}

static enum status ring_find(struct printk *p, struct err *e)
{
	const struct facts *f = &p->k->facts;
	struct ring_log *ring = &p->ring;
	uint64_t count_bits, size_bits, desc = fact(f, F_desc_size), info = fact(f, F_info_size);

	ring->long_mask = UINT64_MAX >> (64 - 8 * p->k->target.long_bytes);
	ring->id_mask = ring->long_mask >> 2;
	if (!desc || desc > LOG_STRUCT_MAX || !info || info > LOG_STRUCT_MAX)
		return err_set(e, E_FORMAT, "descriptors of %" PRIu64 " and %" PRIu64 " bytes", desc, info);
	if (read_rings(p, &count_bits, &size_bits, e))
		return e->status;
	ring->bits_guessed = !bits_can_be(count_bits, size_bits);
	if (ring->bits_guessed && bits_can_be(size_bits - AVERAGE_BITS, size_bits))
		count_bits = size_bits - AVERAGE_BITS;
	else if (ring->bits_guessed && bits_can_be(count_bits, count_bits + AVERAGE_BITS))
		size_bits = count_bits + AVERAGE_BITS;
	else if (ring->bits_guessed)
		return err_set(e, E_FORMAT, "rings of 2^%" PRIu64 " descriptors and 2^%" PRIu64 " bytes", count_bits,
			       size_bits);
	ring->count_bits = (unsigned)count_bits;
	ring->size_bits = (unsigned)size_bits;
	ring->head &= ring->id_mask;
	ring->tail &= ring->id_mask;
	return OK;
}

static vaddr_t desc_at(const struct printk *p, uint64_t slot)
{
	return p->ring.descs + slot * fact(&p->k->facts, F_desc_size);
}

static enum status read_state(struct printk *p, uint64_t slot, struct desc *d, struct err *e)
{
	vaddr_t state = printk_field(p, desc_at(p, slot), F_desc_state) + fact_or(&p->k->facts, F_atomic_counter, 0);
	uint64_t word;

	if (printk_read_long(p, state, &word, e))
		return e->status;
	d->id = word & p->ring.id_mask;
	d->state = (enum desc_state)(word / (p->ring.id_mask + 1));
	return OK;
}

static bool has_message(const struct printk *p, const struct desc *d, uint64_t slot)
{
	return (d->state == COMMITTED || d->state == FINALIZED) && (d->id & (slots(p) - 1)) == slot;
}

/* --- which ids there are ---------------------------------------------------------------------------------- */

struct ids {
	uint64_t first, n;
};

/* How many slots from this one on lie in the same page: none of them can be read when one cannot. */
static uint64_t slots_of_page(const struct printk *p, uint64_t slot)
{
	uint64_t left = PAGE_SIZE_MIN - desc_at(p, slot) % PAGE_SIZE_MIN;

	return max_u64(1, min_u64(left / fact(&p->k->facts, F_desc_size), slots(p) - slot));
}

/* Has the slot of this id a message of this id? */
static bool is_there(struct printk *p, uint64_t id)
{
	uint64_t slot = id & (slots(p) - 1);
	struct desc d;
	struct err why;

	return !read_state(p, slot, &d, &why) && d.id == (id & p->ring.id_mask) && has_message(p, &d, slot);
}

/*
 * The newest id that a descriptor has.  A word that looks like an id but is none is told by its neighbour: ids of
 * messages stand side by side; one that stands alone is taken only where there is no pair.
 */
static bool newest_id(struct printk *p, uint64_t *newest)
{
	struct desc before = { 0, 0, 0, REUSABLE };
	bool pair = false, alone = false;

	for (uint64_t slot = 0; slot < slots(p) && !printk_is_lost(p);) {
		struct desc d;
		struct err why;

		if (read_state(p, slot, &d, &why)) {
			before.state = REUSABLE;
			slot += slots_of_page(p, slot);
			continue;
		}
		if (slot && has_message(p, &d, slot) && has_message(p, &before, slot - 1) &&
		    ((before.id + 1) & p->ring.id_mask) == d.id) {
			if (!pair || ((d.id - *newest) & p->ring.id_mask) <= p->ring.id_mask / 2)
				*newest = d.id;
			pair = true;
		} else if (!pair && has_message(p, &d, slot)) {
			*newest = d.id;
			alone = true;
		}
		before = d;
		slot++;
	}
	return pair || alone;
}

/* Is the slot of this id about to get it?  The head moves first; the slot is free then, or was never used. */
static bool is_next_of(const struct printk *p, uint64_t id, const struct desc *d)
{
	return (d->state == REUSABLE && d->id == ((id - slots(p)) & p->ring.id_mask)) ||
	       (d->state == RESERVED && !d->id);
}

/* The slots of the newest ids may be about to get them; behind the newest there is no newer one. */
static bool is_head(struct printk *p, uint64_t head)
{
	struct desc d;
	struct err why;

	if (is_there(p, head + 1))
		return false;
	for (uint64_t back = 0; back < min_u64(WRITERS_MAX, slots(p)); back++) {
		uint64_t id = (head - back) & p->ring.id_mask;

		if (read_state(p, id & (slots(p) - 1), &d, &why) || d.id == id)
			return true;
		if (!is_next_of(p, id, &d))
			return false;
	}
	return false;
}

/* From the oldest to the newest id; where the rings' own words cannot be right, what the descriptors say. */
static struct ids find_ids(struct printk *p)
{
	const struct ring_log *ring = &p->ring;
	uint64_t head = ring->head, n = ((head - ring->tail) & ring->id_mask) + 1;

	if (!is_head(p, head)) {
		printk_damage(p, "the newest message is not %#" PRIx64, head);
		if (newest_id(p, &head))
			n = slots(p);
	} else if (n < slots(p) && is_there(p, ring->tail - 1)) {
		printk_damage(p, "the oldest message is not %#" PRIx64, ring->tail);
		n = slots(p);
	}
	if (n > slots(p)) {
		printk_damage(p, "the ids %#" PRIx64 " to %#" PRIx64 " are more than there are descriptors", ring->tail,
			      ring->head);
		n = slots(p);
	}
	return (struct ids){ (head - n + 1) & ring->id_mask, n };
}

/* --- where the text of a message is ----------------------------------------------------------------------- */

struct text {
	vaddr_t at;
	uint64_t room; /* bytes from there on that may belong to it */
};

/* Does a block begin here?  It begins with the id of its descriptor. */
static bool is_block(struct printk *p, uint64_t offset, uint64_t id, struct text *t)
{
	unsigned long_bytes = p->k->target.long_bytes;
	uint64_t word;
	struct err why;

	if (offset > text_bytes(p) - long_bytes || printk_read_long(p, p->ring.data + offset, &word, &why))
		return false;
	*t = (struct text){ p->ring.data + offset + long_bytes, text_bytes(p) - offset - long_bytes };
	return (word & p->ring.id_mask) == id;
}

/*
 * Positions rise for ever; a block that does not fit between the last one and the end of the ring lies at its start.
 * Since 6.19 one that ends exactly at the end fits.  Without a position that can be right, a block that names the
 * descriptor is taken.  False: there is no text.
 */
static bool find_text(struct printk *p, const struct desc *d, struct text *t)
{
	const struct ring_log *ring = &p->ring;
	uint64_t mask = text_bytes(p) - 1, last = (d->next - 1) & ring->long_mask;
	uint64_t turns = ((last >> ring->size_bits) - (d->begin >> ring->size_bits)) &
			 (ring->long_mask >> ring->size_bits);
	uint64_t start = turns ? 0 : d->begin & mask, end = (last & mask) + 1;
	unsigned long_bytes = p->k->target.long_bytes;

	if (turns <= 1 && start < end && end - start > long_bytes && !((d->begin | d->next) & (long_bytes - 1))) {
		if (!is_block(p, start, d->id, t))
			printk_damage(p, "the text of message %#" PRIx64 " is not marked as its own", d->id);
		*t = (struct text){ ring->data + start + long_bytes, end - start - long_bytes };
		return true;
	}
	printk_damage(p, "message %#" PRIx64 " has its text at %#" PRIx64 " to %#" PRIx64, d->id, d->begin, d->next);
	return is_block(p, d->begin & mask, d->id, t) || is_block(p, 0, d->id, t);
}

/* --- the walk --------------------------------------------------------------------------------------------- */

struct ring_walk {
	uint64_t since_seq;
	uint64_t text_left; /* no byte belongs to two messages */
};

static enum status put_message(struct printk *p, const struct desc *d, struct ring_walk *w, struct err *e)
{
	const struct facts *f = &p->k->facts;
	struct printk_line line = { .has_caller = fact_known(f, F_info_caller) };
	vaddr_t info = p->ring.infos + (d->id & (slots(p) - 1)) * fact(f, F_info_size);
	uint64_t seq, len, caller = 0;
	struct text t = { 0, 0 };
	struct err why;

	if (printk_read(p, printk_field(p, info, F_info_ts), 8, &line.ts_nsec, &why) ||
	    printk_read(p, printk_field(p, info, F_info_text_len), 2, &len, &why) ||
	    (w->since_seq && printk_read(p, printk_field(p, info, F_info_seq), 8, &seq, &why)) ||
	    (line.has_caller && printk_read(p, printk_field(p, info, F_info_caller), 4, &caller, &why))) {
		printk_damage(p, "%s", why.text);
		return OK;
	}
	if (w->since_seq && seq < w->since_seq)
		return OK;
	/* odd positions are none: an empty line, else a message for which there was no room, which nobody ever saw */
	if (d->begin & d->next & 1) {
		if (d->begin != EMPTY_LINE || d->next != EMPTY_LINE)
			return OK;
		len = 0;
	} else if (!find_text(p, d, &t)) {
		return OK;
	}
	if (len > t.room || len > w->text_left)
		printk_damage(p, "message %#" PRIx64 " has more text than room", d->id);
	line.caller = (uint32_t)caller;
	line.text = t.at;
	line.text_len = min_u64(min_u64(len, t.room), w->text_left);
	w->text_left -= line.text_len;
	return printk_put_line(p, &line, e);
}

/* One that is being written, or free again, is no message; one that is not where it belongs is damage. */
static bool is_message(struct printk *p, uint64_t id, const struct desc *d)
{
	if (d->id == id)
		return d->state == COMMITTED || d->state == FINALIZED;
	if (!is_next_of(p, id, d))
		printk_damage(p, "the descriptor of message %#" PRIx64 " has id %#" PRIx64, id, d->id);
	return false;
}

static enum status walk_ids(struct printk *p, struct ids ids, struct ring_walk *w, struct err *e)
{
	for (uint64_t i = 0; i < ids.n && !printk_is_lost(p);) {
		uint64_t id = (ids.first + i) & p->ring.id_mask, slot = id & (slots(p) - 1);
		vaddr_t block = printk_field(p, desc_at(p, slot), F_desc_block);
		struct desc d;
		struct err why;

		if (read_state(p, slot, &d, &why)) {
			printk_damage(p, "%s", why.text);
			i += slots_of_page(p, slot);
			continue;
		}
		i++;
		if (!is_message(p, id, &d))
			continue;
		if (printk_read_long(p, printk_field(p, block, F_block_begin), &d.begin, &why) ||
		    printk_read_long(p, printk_field(p, block, F_block_next), &d.next, &why))
			printk_damage(p, "%s", why.text);
		else if (put_message(p, &d, w, e))
			return e->status;
	}
	return OK;
}

/* The number of the first message after the log was cleared; 0: all. */
static uint64_t find_clear(struct printk *p)
{
	const struct facts *f = &p->k->facts;
	vaddr_t at = fact(f, F_clear_seq);
	uint64_t seq, count;
	struct err why;
	enum status st;
	char label[80];

	if (!fact_known(f, F_clear_seq) || !fact_known(f, F_info_seq)) {
		message(MSG_COMMON, "%s is unknown: all of the log is written.\n",
			fact_label(f, fact_known(f, F_clear_seq) ? F_info_seq : F_clear_seq, label, sizeof(label)));
		return 0;
	}
	/* two copies, of which one is good at any time: the lowest bit of a counter in front of them says which */
	if (fact_known(f, F_latched_val)) {
		st = printk_read(p, printk_symbol(p, F_clear_seq), 4, &count, &why);
		if (!st)
			st = printk_read(p, printk_field(p, at + 8 * (count & 1), F_latched_val), 8, &seq, &why);
	} else {
		st = printk_read(p, at, 8, &seq, &why);
	}
	if (!st)
		return seq;
	printk_damage(p, "%s", why.text);
	return 0;
}

static enum status ring_walk(struct printk *p, bool since_clear, struct err *e)
{
	struct ring_walk w = { .text_left = min_u64(text_bytes(p), p->k->src->end) };

	if (p->ring.bits_guessed)
		printk_damage(p, "2^%u descriptors and 2^%u bytes are guessed", p->ring.count_bits, p->ring.size_bits);
	if (since_clear)
		w.since_seq = find_clear(p);
	return walk_ids(p, find_ids(p), &w, e);
}

const struct printk_form printk_ring = {
	.name = "descriptors and text",
	.sign = F_prb,
	.needs = { F_prb_descs, F_prb_text, F_descs_count_bits, F_descs_descs, F_descs_infos, F_descs_head,
		   F_descs_tail, F_desc_size, F_desc_state, F_desc_block, F_block_begin, F_block_next, F_text_size_bits,
		   F_text_data, F_info_size, F_info_ts, F_info_text_len },
	.n_needs = 17,
	.find = ring_find,
	.walk = ring_walk,
};

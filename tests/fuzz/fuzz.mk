# SPDX-License-Identifier: GPL-2.0-or-later
# Fuzzing: the corpus and some mutations as a part of `make check`, `make fuzz` and `make fuzz-run` for more.

MINUTES ?= 30
ENTRY ?= elf
# of ENTRY=machine: only this one
MACHINE ?=
# how long one input may take, and what it may allocate; a file that is too large is no finding, the program is told so
FUZZ_LIMITS = -handle_xfsz=0 -timeout=10 -malloc_limit_mb=256 -rss_limit_mb=700 -len_control=20 \
	-max_len=$(or $(FUZZ_LEN_$(ENTRY)),32768)
# a few hundred edits spoil a kernel well enough
FUZZ_LEN_dmesg = 300
FUZZ_LEN_kernel = 1500
FUZZ_LEN_machine = 600
FUZZ_LEN_paging = 1500
FUZZ_LEN_vmcoreinfo = 8192
FUZZ_LEN_flat = 16384
FUZZ_LEN_kdump = 65536

FUZZ_ENTRIES = $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_PROGRAMS = $(FUZZ_ENTRIES:%=$(B)/tests/fuzz/fuzz_%)
FUZZ_SHARED = $(patsubst %.c,$(B)/%.o,$(addprefix tests/fuzz/,fuzz.c invented.c machine_base.c explore.c kdump_check.c))
# with an engine its own main() runs the entries, else replay.c
FUZZ_ENGINE =
FUZZ_MAIN = $(if $(FUZZ_ENGINE),,$(B)/tests/fuzz/replay.o)

$(FUZZ_PROGRAMS): %: %.o $(FUZZ_SHARED) $(FUZZ_MAIN) $(OBJECTS)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS_OUR) $(LDFLAGS) $(FUZZ_ENGINE) -o $@ $^ $(LIBS)

# a sound dump of each machine and form, for inputs of fuzz_machine to spoil
FUZZ_CORES = $(patsubst tests/fuzz/cores/%.txt,$(B)/tests/fuzz/cores/%,$(wildcard tests/fuzz/cores/*.txt))

$(B)/tests/fuzz/cores/%: tests/fuzz/cores/%.txt tests/fuzz/cores/pages.inc $(wildcard tests/gen/*.py tests/gen/machines/*.py)
	$(call say,CORE,$<)
	$(Q)mkdir -p $(@D)
	$(Q)python3 tests/gen/mkvmcore.py $< -o $@

$(B)/tests/fuzz/fuzz_machine: | $(FUZZ_CORES)

.PHONY: fuzz fuzz-programs fuzz-run fuzz-merge
fuzz-programs: $(FUZZ_PROGRAMS)

fuzz:
	+$(Q)$(MAKE) B=$(B)-fuzz CC=clang SAN=address,undefined CFLAGS="-O1 -g -fsanitize=fuzzer-no-link" \
		FUZZ_ENGINE=-fsanitize=fuzzer fuzz-programs

# what is found stays in $(B)-fuzz: new inputs of value in corpus/, failing ones in findings/
fuzz-run: fuzz
	$(Q)mkdir -p $(B)-fuzz/corpus/$(ENTRY) $(B)-fuzz/findings/$(ENTRY)
	$(if $(MACHINE),FUZZ_MACHINE=$(MACHINE)) ASAN_OPTIONS=quarantine_size_mb=16 UBSAN_OPTIONS=print_stacktrace=1 \
		nice $(B)-fuzz/tests/fuzz/fuzz_$(ENTRY) \
		$(FUZZ_LIMITS) -max_total_time=$$(($(MINUTES) * 60)) -print_final_stats=1 \
		-artifact_prefix=$(B)-fuzz/findings/$(ENTRY)/ $(B)-fuzz/corpus/$(ENTRY) tests/fuzz/corpus/$(ENTRY)

fuzz-merge: fuzz
	$(Q)mkdir -p $(B)-fuzz/corpus/$(ENTRY) tests/fuzz/corpus/$(ENTRY)
	$(B)-fuzz/tests/fuzz/fuzz_$(ENTRY) -use_counters=0 -max_len=16384 -merge=1 tests/fuzz/corpus/$(ENTRY) $(B)-fuzz/corpus/$(ENTRY)

CHECK_NEEDS += $(FUZZ_PROGRAMS)
CHECKS += $(foreach e,$(FUZZ_ENTRIES),"$(B)/tests/fuzz/fuzz_$(e) $(wildcard tests/fuzz/corpus/$(e) tests/fuzz/findings/$(e))")
CHECKS += "tests/fuzz/mutate.py$(if $(SAN), --sanitized) --extremes 60 --count 70 --costly few"
CHECKS += "tests/fuzz/mutate_kdump.py$(if $(SAN), --sanitized)"
CHECKS += "tests/fuzz/mutate_log.py --count 150"

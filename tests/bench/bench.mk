# SPDX-License-Identifier: GPL-2.0-or-later
# `make bench PEER=makedumpfile`: our program against the known one, in turn, on the same dump.
#
#	PEER=COMMAND	the program to compare with
#	VMCORE=FILE	the dump to filter; else one of 1.5 GiB is made
#	WORK='-l -d 1'	options of one work, or of several with semicolons between them
#	PAIRS=9 OUTDIR=/dev/shm
#	FLOOR=1		also a loop that only packs and writes the same pages (floor.c)
#	FORCE=1		goes on although the machine is busy; such figures do not count
#
# `make bench-scan`: how fast struct pages are read and decided about, of a machine with 256 GiB of memory; then how much
# slower that is for another byte order, and for 32 bits.  Needs 4.3 GB on the disk for a while and 9 GB of memory.
#
#	SCANDIR=DIR PASSES=5
#
# `make bench-memory`: what each thread takes, by form of the output and codec, from VMCORE at level 1.

PEER ?=
VMCORE ?=
WORK ?=
PAIRS ?= 9
OUTDIR ?= /dev/shm
FLOOR ?= 0
FORCE ?= 0

SCANDIR ?= $(B)/bench
PASSES ?= 5

BENCH_VMCORE = $(or $(VMCORE),$(B)/bench/bench.vmcore)
BENCH_FLOOR = $(if $(filter 1,$(FLOOR)),$(B)/bench/floor)

$(B)/bench/floor: tests/bench/floor.c $(B)/flags
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_OUR) $(CPPFLAGS) $(CFLAGS_OUR) $(CFLAGS) $(LDFLAGS_OUR) $(LDFLAGS) -o $@ $< $(LIBS)

$(B)/bench/bench.vmcore: tests/bench/bench.txt tests/bench/contents.py
	@$(call need,python3,python3)
	$(call say,MAKE,$@)
	$(Q)mkdir -p $(@D)
	$(Q)python3 tests/gen/mkvmcore.py $< -o $@.empty
	$(Q)python3 tests/bench/contents.py $< $@.empty $@; status=$$?; rm -f $@.empty; exit $$status

bench: $(PROGRAM) $(BENCH_FLOOR) $(if $(VMCORE),,$(B)/bench/bench.vmcore)
	@$(call need,python3,python3)
	@python3 tests/bench/bench.py --program '$(CURDIR)/$(PROGRAM)' --peer '$(PEER)' --vmcore '$(BENCH_VMCORE)' \
		--outdir '$(OUTDIR)' --pairs '$(PAIRS)' --work='$(WORK)' --floor '$(BENCH_FLOOR)' \
		$(if $(filter 1,$(FORCE)),--force)

$(B)/bench/scan: tests/bench/scan.c $(OBJECTS) $(B)/flags
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_OUR) $(CPPFLAGS) $(CFLAGS_OUR) $(CFLAGS) $(LDFLAGS_OUR) $(LDFLAGS) -o $@ $< $(OBJECTS) $(LIBS)

# scan_mix MIX,PAGE CACHE,PLAIN MEMORY: millions of page frames a second that one thread must manage
scan_mix = echo "$(1):"; python3 tests/bench/scan_vmcore.py $(1) '$(SCANDIR)/scan.vmcore' && \
	$(B)/bench/scan '$(SCANDIR)/scan.vmcore' $(PASSES) $(2) $(3); status=$$?; rm -f '$(SCANDIR)/scan.vmcore'; exit $$status

# scan_pair FORM,FORM,SHARE: the first must be as fast as the second, or this share of it
scan_pair = echo "$(1) against $(2):"; python3 tests/bench/scan_vmcore.py singles $(1) '$(SCANDIR)/scan.$(1)' && \
	python3 tests/bench/scan_vmcore.py singles $(2) '$(SCANDIR)/scan.$(2)' && \
	python3 tests/bench/scan_ratio.py $(B)/bench/scan 20 $(3) '$(SCANDIR)/scan.$(1)' '$(SCANDIR)/scan.$(2)'; status=$$?; \
	rm -f '$(SCANDIR)/scan.$(1)' '$(SCANDIR)/scan.$(2)'; exit $$status

.PHONY: bench-scan
bench-scan: $(B)/bench/scan
	@$(call need,python3,python3)
	@# each part tells its figures, whether or not another one falls short
	@failed=0; \
	($(call scan_mix,singles,120,120)) || failed=1; \
	($(call scan_mix,blocks,180,600)) || failed=1; \
	($(call scan_pair,ppc64-big,ppc64-little,0.8)) || failed=1; \
	($(call scan_pair,flat-32,flat-64,0.8)) || failed=1; \
	($(call scan_pair,flat-32-big,flat-64,0.8)) || failed=1; \
	exit $$failed

.PHONY: bench-memory
bench-memory: $(PROGRAM) $(if $(VMCORE),,$(B)/bench/bench.vmcore)
	@$(call need,python3,python3)
	@python3 tests/bench/memory.py --program '$(CURDIR)/$(PROGRAM)' --vmcore '$(BENCH_VMCORE)' --outdir '$(OUTDIR)'

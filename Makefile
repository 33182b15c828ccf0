# SPDX-License-Identifier: GPL-2.0-or-later
# Builds makedumpfile; see README for the switches.

include VERSION.mk

CC ?= cc
CFLAGS ?= -O2 -g
LINKTYPE ?= dynamic
USELZO ?= auto
USESNAPPY ?= auto
USEZSTD ?= auto
USELIBDEFLATE ?= auto
DESTDIR ?=
SBINDIR ?= /usr/sbin
MANDIR ?= /usr/share/man
DATADIR ?= /usr/share/makedumpfile
COMPLETIONDIR ?= /usr/share/bash-completion/completions
V ?= 0
DEV ?= 0
SAN ?=
B ?= build

ifeq ($(filter $(LINKTYPE),dynamic static),)
$(error LINKTYPE is dynamic or static, not "$(LINKTYPE)")
endif

# --- what the compiler gets ---------------------------------------------------------------------------
WARNINGS = -Wall -Wextra -Wshadow -Wformat=2 -Wundef -Wvla -Wmissing-prototypes -Wstrict-prototypes \
	-Wold-style-definition -Wpointer-arith -Wwrite-strings -Wimplicit-fallthrough
CPPFLAGS_OUR = -I. -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DVERSION='"$(VERSION)"' -DRELEASE_DATE='"$(RELEASE_DATE)"'
# paths of the build tree stay out of the binary, so that equal sources give equal bytes
CFLAGS_OUR = -std=gnu11 $(WARNINGS) -ffile-prefix-map=$(CURDIR)/=
LIBS = -lpthread
ifeq ($(DEV),1)
CFLAGS_OUR += -Werror
endif
ifneq ($(SAN),)
CFLAGS_OUR += -fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all
LDFLAGS_OUR += -fsanitize=$(SAN)
endif
ifeq ($(LINKTYPE),static)
LDFLAGS_OUR += -static
endif
Q = $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),,@printf '  %-7s %s\n' $(1) $(2))

# --- libraries -----------------------------------------------------------------------------------------
# links_with LIBRARY,HEADER: "on" when a program with both links
links_with = $(shell printf '\043include <stddef.h>\n\043include <%s>\nint main(void){return 0;}' $(2) | \
	$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) $(if $(filter static,$(LINKTYPE)),-static) -x c -o /dev/null - $(1) 2>/dev/null && echo on)
# choose SWITCH,LIBRARY,HEADER,DEBIAN PACKAGE
define choose
ifeq ($$(filter $$($(1)),auto on off),)
$$(error $(1) is auto, on or off, not "$$($(1))")
endif
ifneq ($$($(1)),off)
HAVE_$(1) := $$(call links_with,$(2),$(3))
ifeq ($$(HAVE_$(1)),on)
LIBS += $(2)
CPPFLAGS_OUR += -D$(1)
else ifeq ($$($(1)),on)
$$(error $(1)=on, but $(3) or $(2) is missing (Debian: $(4)))
endif
endif
endef
NO_BUILD_GOALS = clean distclean
ifneq ($(or $(if $(MAKECMDGOALS),,all),$(filter-out $(NO_BUILD_GOALS),$(MAKECMDGOALS))),)
$(eval $(call choose,USELZO,-llzo2,lzo/lzo1x.h,liblzo2-dev))
# libsnappy is C++: a static link needs its run time
$(eval $(call choose,USESNAPPY,-lsnappy$(if $(filter static,$(LINKTYPE)), -lstdc++ -lm),snappy-c.h,libsnappy-dev))
$(eval $(call choose,USEZSTD,-lzstd,zstd.h,libzstd-dev))
$(eval $(call choose,USELIBDEFLATE,-ldeflate,libdeflate.h,libdeflate-dev))
ifneq ($(HAVE_USELIBDEFLATE),on)
ifneq ($(call links_with,-lz,zlib.h),on)
$(error zlib.h or -lz is missing (Debian: zlib1g-dev))
endif
LIBS += -lz
endif
# libdw unpacks debug information: a static link needs what does that
LIBDW = -ldw -lelf
ifeq ($(LINKTYPE),static)
LIBDW += -lz -lbz2 -llzma $(if $(filter on,$(call links_with,-lzstd,zstd.h)),-lzstd)
endif
ifneq ($(call links_with,$(LIBDW),elfutils/libdw.h),on)
$(error elfutils/libdw.h or $(LIBDW) is missing (Debian: libdw-dev$(if $(filter static,$(LINKTYPE)), zlib1g-dev libbz2-dev liblzma-dev)))
endif
LIBS += $(LIBDW)
endif

# --- the program ---------------------------------------------------------------------------------------
PARTS = base format input arch kernel filter output command
SOURCES = $(filter-out makedumpfile.c,$(wildcard *.c)) $(foreach d,$(PARTS),$(wildcard $(d)/*.c))
OBJECTS = $(SOURCES:%.c=$(B)/%.o)
PROGRAM = makedumpfile
FLAGS_NOW = $(CC) $(CPPFLAGS_OUR) $(CPPFLAGS) $(CFLAGS_OUR) $(CFLAGS) $(LDFLAGS_OUR) $(LDFLAGS) $(LIBS)

all: $(PROGRAM)
.DEFAULT_GOAL = all
.PHONY: all install clean distclean check check-vm bench analyze FORCE
.DELETE_ON_ERROR:

# rebuilt when the flags change
$(B)/flags: FORCE
	$(Q)mkdir -p $(B); printf '%s\n' "$(subst ",\",$(FLAGS_NOW))" | cmp -s - $@ || printf '%s\n' "$(subst ",\",$(FLAGS_NOW))" > $@

$(B)/%.o: %.c $(B)/flags
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_OUR) $(CPPFLAGS) $(CFLAGS_OUR) $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/linked: $(B)/makedumpfile.o $(OBJECTS)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS_OUR) $(LDFLAGS) -o $@ $^ $(LIBS)

# always the one of the current $(B), whichever was built last
$(PROGRAM): $(B)/linked FORCE
	$(Q)cmp -s $< $@ || cp $< $@

-include $(wildcard $(B)/*.d $(B)/*/*.d $(B)/*/*/*.d)

include tests/tests.mk

install: $(PROGRAM)
	install -d $(DESTDIR)$(SBINDIR) $(DESTDIR)$(MANDIR)/man8 $(DESTDIR)$(MANDIR)/man5 \
		$(DESTDIR)$(DATADIR)/eppic_scripts $(DESTDIR)$(COMPLETIONDIR)
	install -m 755 $(PROGRAM) makedumpfile-R.pl $(DESTDIR)$(SBINDIR)/
	install -m 644 makedumpfile.8 $(DESTDIR)$(MANDIR)/man8/
	install -m 644 makedumpfile.conf.5 $(DESTDIR)$(MANDIR)/man5/
	install -m 644 eppic_scripts/README $(DESTDIR)$(DATADIR)/eppic_scripts/
	install -m 644 completion/makedumpfile $(DESTDIR)$(COMPLETIONDIR)/

clean:
	rm -rf $(B) $(B)-fuzz build-san build-tsan $(PROGRAM)
distclean: clean

# What static analysis has to say; reads only.  (cppcheck knows nothing of scope guards: to it they all leak.)
ANALYZED = makedumpfile.c $(SOURCES)
analyze:
	$(Q)for f in $(ANALYZED); do $(CC) $(CPPFLAGS_OUR) $(CFLAGS_OUR) -O1 -fanalyzer -c -o /dev/null $$f || exit 1; done
	$(Q)command -v cppcheck >/dev/null || { echo "cppcheck is missing (Debian: cppcheck)"; exit 1; }
	$(Q)cppcheck --quiet --suppress=memleak --error-exitcode=1 --enable=warning,portability $(CPPFLAGS_OUR) $(ANALYZED)

# SPDX-License-Identifier: GPL-2.0-or-later
# Unit tests: every test_<module>.c becomes a TAP program that is linked with all of the program but main().

UNIT_PROGRAMS = $(patsubst tests/unit/%.c,$(B)/tests/unit/%,$(sort $(wildcard tests/unit/test_*.c)))
UNIT_HELPERS = $(patsubst %.c,$(B)/%.o,$(filter-out tests/unit/test_%,$(sort $(wildcard tests/unit/*.c))))
# a test that is written but not listed in main() must not pass unnoticed
UNIT_FLAGS = $(CPPFLAGS_OUR) -Itests/unit $(CPPFLAGS) $(CFLAGS_OUR) -Werror=unused-function $(CFLAGS) -MMD -MP

CHECKS += $(UNIT_PROGRAMS)
CHECK_NEEDS += $(UNIT_PROGRAMS)

$(B)/tests/unit/cmocka-found: $(B)/flags
	$(Q)mkdir -p $(@D)
	$(Q)printf '#include <stdarg.h>\n#include <stddef.h>\n#include <setjmp.h>\n#include <cmocka.h>\nint main(void){return 0;}' | \
		$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) $(if $(filter static,$(LINKTYPE)),-static) -x c -o /dev/null - -lcmocka 2>/dev/null || \
		{ echo "cmocka is missing (Debian: libcmocka-dev)"; exit 1; }
	$(Q)touch $@

$(UNIT_HELPERS) $(UNIT_PROGRAMS:%=%.o): $(B)/%.o: %.c $(B)/flags $(B)/tests/unit/cmocka-found
	$(call say,CC,$<)
	$(Q)$(CC) $(UNIT_FLAGS) -c -o $@ $<

# zlib unpacks here what libdeflate may have packed
$(UNIT_PROGRAMS): %: %.o $(UNIT_HELPERS) $(OBJECTS)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS_OUR) $(LDFLAGS) -o $@ $^ $(LIBS) -lz -lcmocka

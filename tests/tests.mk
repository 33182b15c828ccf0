# SPDX-License-Identifier: GPL-2.0-or-later
# What `make check` runs.  Each folder of tests adds its TAP programs to CHECKS, and what has to be built for them to
# CHECK_NEEDS, in a .mk file of its own.

CHECKS =
CHECK_NEEDS =
include $(sort $(wildcard tests/*/*.mk))

# need TOOL,DEBIAN PACKAGE: fails with one line when the tool is missing
need = command -v $(1) >/dev/null || { echo "$(1) is missing (Debian: $(2))"; exit 1; }

check: $(PROGRAM) $(CHECK_NEEDS)
	@$(call need,python3,python3)
	@PROGRAM=$(CURDIR)/$(PROGRAM) tests/run-tap $(CHECKS)

# What uses threads, under the thread sanitizer.
THREAD_CHECKS = $(addprefix $(B)/tests/unit/,test_page_pipeline test_kdump_writer test_page_filter test_input_file) \
	tests/cli/same-bytes.bats tests/cli/split.bats

.PHONY: check-threads check-threads-built
check-threads:
	@$(MAKE) --no-print-directory B=build-tsan PROGRAM=build-tsan/makedumpfile SAN=thread check-threads-built
check-threads-built: $(PROGRAM) $(CHECK_NEEDS)
	@PROGRAM=$(CURDIR)/$(PROGRAM) tests/run-tap $(THREAD_CHECKS)

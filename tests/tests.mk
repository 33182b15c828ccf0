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

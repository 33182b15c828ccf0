# SPDX-License-Identifier: GPL-2.0-or-later
# What is true of the sources; `make lint` runs only this.

LINT_CHECKS = $(sort $(filter-out %.py %.mk %.allow,$(wildcard tests/lint/*)))
CHECKS += $(LINT_CHECKS)
CHECK_NEEDS += lint-tools

# how the program is built, for checks that look at objects or compile headers
export LINT_BUILD = $(B)
export LINT_COMPILE = $(CC) $(CPPFLAGS_OUR) $(CPPFLAGS) $(CFLAGS_OUR)

.PHONY: lint-tools
lint-tools:
	@$(call need,objdump,binutils)
	@$(call need,shellcheck,shellcheck)
	@$(call need,mandoc,mandoc)

lint: $(PROGRAM) lint-tools
	@tests/run-tap $(LINT_CHECKS)
